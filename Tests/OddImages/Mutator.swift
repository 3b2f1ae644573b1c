// SPDX-License-Identifier: MIT

import Fidelity

/// Generated images: some valid records with a few random changes from a seed.
public enum Mutator {
  public static func images(_ count: Int) -> [OddImage] {
    (0..<count).map { seed in
      let digits = String(seed)
      return image(
        named: "m" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits,
        seed: UInt64(seed))
    }
  }

  static func image(named name: String, seed: UInt64) -> OddImage {
    var random = SplitMix(seed: seed &* 7919 &+ 1)
    var records = sound(name, &random)
    for _ in 0..<Int.random(in: 1...4, using: &random) { change(&records, name, &random) }
    let start = archive([.directory(name)], trailer: false)
    var bytes = start + archive(records)
    if Int.random(in: 0..<4, using: &random) == 0 {
      damage(&bytes, behind: start.count, &random)
    }
    return OddImage(name, bytes)
  }

  /// Records of all types, with so few names and inodes that they collide.
  private static func sound(_ here: String, _ random: inout SplitMix) -> [OddRecord] {
    (0..<Int.random(in: 3...9, using: &random)).map { _ in
      let name = "\(here)/" + path(&random)
      let mode = UInt32.random(in: 0...0o7777, using: &random)
      var record: OddRecord
      switch Int.random(in: 0..<10, using: &random) {
      case 0...3:
        let count = Int.random(in: 0...40, using: &random)
        record = .file(name, String(repeating: "x", count: count), mode)
      case 4, 5: record = .directory(name, mode)
      case 6: record = .link(name, to: path(&random))
      case 7: record = .node(name, 0o020000 | mode, (1, 3))
      case 8: record = .node(name, 0o010000 | mode, (0, 0))
      default: record = .node(name, 0o140000 | mode, (0, 0))
      }
      record.inode = UInt32.random(in: 1...3, using: &random)
      record.links = UInt32.random(in: 0...2, using: &random)
      record.time = UInt32.random(in: 0...1_700_000_000, using: &random)
      record.user = UInt32.random(in: 0...3, using: &random)
      return Int.random(in: 0..<4, using: &random) == 0 ? record.summed : record
    }
  }

  private static func path(_ random: inout SplitMix) -> String {
    let parts = ["a", "b", "c", "..", ".", ""]
    // Stay inside the image's own directory.
    let first = ["a", "b", "c"].randomElement(using: &random)!
    let more = (0..<Int.random(in: 0...2, using: &random)).map { _ in
      parts.randomElement(using: &random)!
    }
    return ([first] + more).joined(separator: "/").replacing("../..", with: "..")
  }

  private static func change(
    _ records: inout [OddRecord], _ here: String, _ random: inout SplitMix
  ) {
    let index = records.indices.randomElement(using: &random)!
    switch Int.random(in: 0..<12, using: &random) {
    case 0: records.append(records[index])
    case 1: records.swapAt(index, 0)
    case 2: records.insert(.trailer, at: index)
    case 3: records[index].mode ^= 1 << UInt32.random(in: 12..<16, using: &random)
    case 4: records[index].mode |= 0x10000
    case 5: records[index].name += zeros(Int.random(in: 1...9, using: &random))
    case 6: records[index].data += Array("more data".utf8)
    case 7: records[index].dataSize = UInt32(records[index].data.count / 2)
    case 8: records[index].nameSize = 0
    case 9: records[index].check ^= 1
    case 10:
      records[index].name.replaceSubrange(
        (records[index].name.count - 1)..., with: Array("/".utf8) + [0])
    default: records[index].node = (UInt32.random(in: 0...5000, using: &random), 9)
    }
  }

  /// Truncates, inserts, removes or changes bytes after the directory's own record.
  private static func damage(
    _ bytes: inout [UInt8], behind start: Int, _ random: inout SplitMix
  ) {
    let place = Int.random(in: start..<bytes.count, using: &random)
    switch Int.random(in: 0..<4, using: &random) {
    case 0: bytes.removeSubrange(place...)
    case 1:
      bytes.insert(contentsOf: zeros(Int.random(in: 1...8, using: &random)), at: place)
    case 2: bytes.removeSubrange(place..<min(bytes.count, place + 4))
    default:
      // A byte of a name or of data: digits in headers have a test of their own.
      bytes[place] = bytes[place] == 0 ? 1 : 0
    }
  }
}
