// SPDX-License-Identifier: MIT

/// Returns an EFI program with sections, like ukify(1): each is stored at a multiple of 512 bytes.
public func unifiedKernelImage(_ sections: [(name: String, content: [UInt8])]) -> [UInt8] {
  func number(_ value: Int, _ count: Int = 4) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
  let table = 0x80 + 24 + 240
  var bytes = [UInt8](repeating: 0, count: 0x80)
  bytes.replaceSubrange(0..<2, with: Array("MZ".utf8))
  bytes.replaceSubrange(0x3C..<0x40, with: number(0x80))
  bytes += Array("PE\0\0".utf8) + number(0x8664, 2) + number(sections.count, 2)
  bytes += [UInt8](repeating: 0, count: 12) + number(240, 2) + number(0x22, 2)
  bytes += [UInt8](repeating: 0, count: 240)

  var offset = (table + 40 * sections.count + 511) & ~511
  var contents: [UInt8] = []
  for (name, content) in sections {
    let name = Array(name.utf8)
    let stored = (content.count + 511) & ~511
    bytes += name + [UInt8](repeating: 0, count: 8 - name.count)
    bytes += number(content.count) + number(offset) + number(stored) + number(offset)
    bytes += [UInt8](repeating: 0, count: 16)
    contents += content + [UInt8](repeating: 0xCC, count: stored - content.count)
    offset += stored
  }
  bytes += [UInt8](repeating: 0, count: (-bytes.count) & 511)
  return bytes + contents
}

/// Returns an image as mkimage(1) writes it: a header of 64 bytes, and `content`.
/// - Parameter type: 3 for a ramdisk, 2 for a kernel.
public func uBootImage(_ content: [UInt8], type: UInt8 = 3) -> [UInt8] {
  var header = [UInt8](repeating: 0, count: 64)
  header.replaceSubrange(0..<4, with: [0x27, 0x05, 0x19, 0x56])
  for index in 0..<4 {
    header[12 + index] = UInt8(truncatingIfNeeded: content.count >> (24 - 8 * index))
  }
  header[30] = type
  return header + content
}
