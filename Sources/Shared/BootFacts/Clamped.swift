// SPDX-License-Identifier: MIT

/// Saturating arithmetic: no number from a command line, a file system or an image may trap.
extension Int {
  public func plus(_ other: Int) -> Int {
    let (sum, hasOverflow) = addingReportingOverflow(other)
    return hasOverflow ? (other < 0 ? .min : .max) : sum
  }

  public func times(_ other: Int) -> Int {
    let (product, hasOverflow) = multipliedReportingOverflow(by: other)
    return hasOverflow ? ((self < 0) == (other < 0) ? .max : .min) : product
  }
}
