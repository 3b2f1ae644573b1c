// SPDX-License-Identifier: MIT

/// `bytes` as a person can read them: 'text', or hex where they are not printable ASCII.
package func quoted(_ bytes: some Collection<UInt8>) -> String {
  if bytes.allSatisfy({ (0x20...0x7E).contains($0) }) {
    return "'\(String(decoding: bytes, as: UTF8.self))'"
  }
  return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
}
