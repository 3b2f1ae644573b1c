// SPDX-License-Identifier: MIT

import CLinux

/// `text` as a C string.
package func cName(_ text: StaticString) -> [CChar] {
  text.withUTF8Buffer { $0.map { CChar(bitPattern: $0) } } + [0]
}

/// `bytes` as a C string.
package func cName(_ bytes: [UInt8]) -> [CChar] { cName(bytes[...]) }

/// `bytes` as a C string. They are copied at once: most paths of a tree pass through here.
func cName(_ bytes: ArraySlice<UInt8>) -> [CChar] {
  [CChar](unsafeUninitializedCapacity: bytes.count + 1) { string, count in
    bytes.withUnsafeBytes { bytes in
      if let start = bytes.baseAddress { memcpy(string.baseAddress!, start, bytes.count) }
    }
    string[bytes.count] = 0
    count = bytes.count + 1
  }
}

/// `number` in hexadecimal, as a C string.
func hexadecimal(_ number: UInt64) -> [CChar] {
  var digits = [CChar](repeating: 0, count: 17)
  var rest = number
  for position in stride(from: 15, through: 0, by: -1) {
    let digit = UInt8(truncatingIfNeeded: rest & 15)
    digits[position] = CChar(bitPattern: digit < 10 ? 48 + digit : 87 + digit)
    rest >>= 4
  }
  return digits
}
