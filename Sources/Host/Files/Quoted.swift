// SPDX-License-Identifier: MIT

/// `bytes` in readable form: 'text', or hexadecimal if they are not all printable ASCII.
package func quoted(_ bytes: some Collection<UInt8>) -> String {
  if bytes.allSatisfy({ (0x20...0x7E).contains($0) }) {
    return "'\(String(decoding: bytes, as: UTF8.self))'"
  }
  return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
}

/// `word`, quoted so that sh(1) reads it as one word.
package func shellQuoted(_ word: String) -> String {
  let plain = word.utf8.allSatisfy { byte in
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default:
      "-_./,:=+@%".utf8.contains(byte)
    }
  }
  if plain, !word.isEmpty { return word }

  var quoted = "'"
  for character in word { quoted += character == "'" ? "'\\''" : String(character) }
  return quoted + "'"
}
