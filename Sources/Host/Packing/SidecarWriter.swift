// SPDX-License-Identifier: MIT

import Files
import Importing
import Initramfs
import Newc
import SystemPackage

/// Writes a sidecar for `SidecarReader`, record by record.
struct SidecarWriter {
  private var text: [UInt8] = []
  /// The numbers of the xattr sets, and the memory that they take in the reader.
  private var sets: [[Xattr]: Int] = [:]
  private var setSize = 0

  // The run not written yet.
  private var count = 0
  private var set = 0
  /// Whether lines were written that apply to the first record of the next run.
  private var hasProperty = false

  /// The reader keeps all sets in memory, so they are forgotten when they exceed this size: xattrs
  /// such as signatures are all different.
  private static let setLimit = 1 << 20
  /// The most bytes in a set, including names: it limits the length of a line.
  static let xattrLimit = 256 << 10

  /// Adds what newc cannot express of a file. It belongs to the record that completes the file: the
  /// last one of a regular file, which has the data, and the first one of others.
  ///
  /// - Parameters:
  ///   - xattrs: Those of the file that are kept.
  ///   - output: The name of the image in errors.
  mutating func describe(
    _ file: TreeFile, _ xattrs: [Xattr], _ output: FilePath
  ) throws(FileError) {
    let others = file.names.count - 1
    let isLink = file.entry.type == .symbolicLink
    let isPlain = xattrs.isEmpty && file.farTime == nil && file.sparse == nil
    if isPlain, !isLink || others == 0 { return skip(others + 1) }

    let size = xattrs.reduce(0) { $0 + $1.name.count + $1.value.count }
    guard size <= Self.xattrLimit else {
      throw FileError(
        output,
        "\(quoted(file.names[0])) has \(size) bytes of extended attributes, at most "
          + "\(Self.xattrLimit) are packed")
    }
    let extra = Extra(xattrs: xattrs, time: file.farTime, sparse: file.sparse)
    if file.entry.type == .regular {
      skip(others)
      return add(extra)
    }
    add(extra)
    guard isLink else { return skip(others) }
    for _ in 0..<others { add(Extra(isLink: true)) }
  }

  /// Adds records without properties.
  mutating func skip(_ records: Int) { run(records, 0) }

  /// Adds the next record.
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

  /// Returns the sidecar of the records since the last call; empty if they have no properties.
  mutating func take() -> [UInt8] {
    // Records after the last run have no properties.
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
    // The set must precede the lines of the record that needs it.
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
