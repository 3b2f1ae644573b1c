// SPDX-License-Identifier: MIT

/// An amount of memory in MiB.
public struct ByteSize: CustomStringConvertible, Sendable {
  public let mebibytes: Int

  public init(mebibytes: Int) { self.mebibytes = mebibytes }

  /// Parses `512M`, `2G`, or a number of MiB; nil if `text` is anything else, or 0.
  public init?(_ text: String) {
    var digits = Substring(text)
    var unit = 1
    switch digits.last {
    case "M", "m": digits.removeLast()
    case "G", "g":
      digits.removeLast()
      unit = 1024
    default: break
    }
    guard let number = Int(digits), number > 0 else { return nil }
    let (mebibytes, overflow) = number.multipliedReportingOverflow(by: unit)
    guard !overflow else { return nil }
    self.mebibytes = mebibytes
  }

  /// The amount in the form `512M`.
  public var description: String { "\(mebibytes)M" }
}
