// SPDX-License-Identifier: MIT

/// Sums and products of what a command line, a file system or an image says: no number there may
/// trap. What is too large becomes the largest number.
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
