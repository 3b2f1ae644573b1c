// SPDX-License-Identifier: MIT

import ArgumentParser

/// An amount of RAM: `512M`, `2G`, or a number of MiB.
struct ByteSize: ExpressibleByArgument, CustomStringConvertible {
  /// The amount in MiB.
  let mebibytes: Int

  /// What a boot gets that names none.
  static let ofBoot = ByteSize(mebibytes: 512)

  init(mebibytes: Int) { self.mebibytes = mebibytes }

  init?(argument: String) {
    var digits = Substring(argument)
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

  var description: String { "\(mebibytes)M" }
}
