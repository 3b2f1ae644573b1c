// SPDX-License-Identifier: MIT

public import Compression

extension Decoder.Failure {
  /// What was found, for error messages.
  package var foundText: String {
    switch detail {
    case .none: "\(found)"
    case .library(let sentence): "\(found) (\(String(cString: sentence.text)))"
    case .bytes(let count): "\(found) (\(count) bytes)"
    case .number(let number): "\(found) (\(number))"
    }
  }
}

extension Decoder.Failure: CustomStringConvertible {
  public var description: String { "found \(foundText), expected \(expected)" }
}
