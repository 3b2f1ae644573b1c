// SPDX-License-Identifier: MIT

import Initramfs

/// Writes what `SidecarReader` reads, record after record.
struct SidecarWriter {
  private var text: [UInt8] = []
  /// The numbers of the sets, and what they take of the reader's memory.
  private var sets: [[Xattr]: Int] = [:]
  private var setSize = 0

  // The run that is not written yet.
  private var count = 0
  private var set = 0
  /// Lines wait for the run of the record that they belong to.
  private var hasProperty = false

  /// With all xattrs different, as signatures are, each is forgotten soon: the reader keeps them.
  private static let setLimit = 1 << 20
  /// What a set may have, with its names: its line must not be too long.
  static let xattrLimit = 256 << 10

  /// So many records have nothing.
  mutating func skip(_ records: Int) { run(records, 0) }

  /// The next record has this.
  mutating func add(_ extra: Extra) {
    let number = extra.xattrs.isEmpty ? 0 : number(of: extra.xattrs)
    guard extra.time != nil || extra.sparse != nil || extra.isLink else { return run(1, number) }
    endRun()
    hasProperty = true
    if let time = extra.time { line("time \(time)") }
    if let sparse = extra.sparse {
      let extents = sparse.extents.map { " \($0.offset)+\($0.count)" }
      line("sparse \(sparse.size)" + extents.joined())
    }
    if extra.isLink { line("link") }
    run(1, number)
  }

  /// The sidecar of the records since the last call; empty if they have nothing.
  mutating func take() -> [UInt8] {
    // Records behind the last run have nothing.
    if set > 0 || hasProperty { endRun() }
    let text = text
    self = SidecarWriter()
    return text
  }

  private mutating func run(_ records: Int, _ set: Int) {
    if records == 0 { return }
    if set != self.set { endRun() }
    self.set = set
    count += records
  }

  private mutating func endRun() {
    if count > 0 { line(set > 0 ? "run \(count) \(set)" : "run \(count)") }
    (count, set, hasProperty) = (0, 0, false)
  }

  private mutating func number(of xattrs: [Xattr]) -> Int {
    if let known = sets[xattrs] { return known }
    // It must stand before the lines of the record that needs it.
    endRun()
    let size = xattrs.reduce(0) { $0 + $1.name.count + $1.value.count + 64 }
    if setSize + size > Self.setLimit, !sets.isEmpty {
      line("forget")
      (sets, setSize) = ([:], 0)
    }
    setSize += size
    sets[xattrs] = sets.count + 1
    text += Array("set".utf8)
    for xattr in xattrs {
      text.append(0x20)
      escape(xattr.name)
      text += Array("=0x".utf8)
      for byte in xattr.value {
        text += [Self.digits[Int(byte >> 4)], Self.digits[Int(byte & 15)]]
      }
    }
    text.append(0x0A)
    return sets.count
  }

  private mutating func escape(_ bytes: [UInt8]) {
    for byte in bytes {
      let isPlain = byte > 0x20 && byte < 0x7F
      if isPlain, byte != UInt8(ascii: "\\"), byte != UInt8(ascii: "=") {
        text.append(byte)
      } else {
        text.append(UInt8(ascii: "\\"))
        for shift in [6, 3, 0] as [UInt8] { text.append(48 + (byte >> shift) & 7) }
      }
    }
  }

  private mutating func line(_ line: String) { text += Array(line.utf8) + [0x0A] }

  private static let digits = Array("0123456789abcdef".utf8)
}
