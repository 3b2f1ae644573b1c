// SPDX-License-Identifier: MIT

import Newc

extension Reader.Malformed.Reason {
  /// What is there, for a person.
  var found: String {
    switch self {
    case .magic(let bytes): quoted(bytes)
    case .digit(let byte), .padding(let byte): quoted([byte])
    case .nameUnterminated(let size): "a name of \(size) bytes without a NUL at its end"
    case .checksum(let found, _): "data with the sum \(found)"
    }
  }

  /// What should be there.
  func expected(_ rules: Reader.Rules) -> String {
    switch self {
    case .magic: rules.takesSums ? "070701 or 070702" : "070701"
    case .digit: "a hex digit of a newc header"
    case .nameUnterminated: "one that ends with a NUL"
    case .checksum(_, let expected): "\(expected)"
    case .padding: "zero bytes up to a multiple of 4"
    }
  }

  /// What the kernel says.
  var kernelMessage: String {
    switch self {
    case .magic(let bytes) where bytes.elementsEqual("070707".utf8):
      "incorrect cpio method used: use -H newc option"
    case .magic: "no cpio magic"
    case .digit: "damaged header"
    case .nameUnterminated: Reader.Malformed.nameMessage
    case .checksum: "bad data checksum"
    case .padding: "broken padding"
    }
  }
}

extension Reader.Malformed {
  /// What the kernel says of a name without a NUL at its end, if it looks for that.
  package static let nameMessage = "malformed archive"
}
