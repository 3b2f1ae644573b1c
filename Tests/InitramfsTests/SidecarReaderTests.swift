// SPDX-License-Identifier: MIT

import Initramfs
import Testing

/// What newc cannot carry, line by line.
@Suite struct SidecarReaderTests {
  /// A sidecar in memory, which comes in pieces of a size.
  private func read(
    _ text: String, records: Int, piece: Int = .max
  ) throws(SidecarFailure<Never>) -> [Extra?] {
    let bytes = Array(text.utf8)
    func read(_ offset: Int64, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
      let rest = bytes.dropFirst(Int(offset)).prefix(buffer.count)
      buffer.copyBytes(from: rest)
      return rest.count
    }
    var reader = SidecarReader()
    var extras: [Extra?] = []
    for _ in 0..<records { extras.append(try reader.next(read)) }
    try reader.finish(read)
    return extras
  }

  private func fault(_ text: String, records: Int = 1) -> String? {
    do {
      _ = try read(text, records: records)
      return nil
    } catch {
      guard case .malformed(let fault) = error else { return "?" }
      return "\(fault.line): \(fault.expected)"
    }
  }

  private func xattr(_ name: String, _ value: [UInt8]) -> Xattr {
    Xattr(name: Array(name.utf8), value: value)
  }

  @Test func `a line has at most 1 MiB`() throws {
    // `set a=0x` and two digits for each byte.
    let bytes = (SidecarReader.lineLimit - 8) / 2
    func line(_ count: Int) -> String { "set a=0x" + String(repeating: "00", count: count) }
    #expect(line(bytes).utf8.count == SidecarReader.lineLimit)
    for count in [bytes - 1, bytes] {
      let extras = try read(line(count) + "\nrun 1 1\n", records: 1)
      #expect(extras == [Extra(xattrs: [xattr("a", [UInt8](repeating: 0, count: count))])])
    }
    // What the buffer has room for beyond that is found before the limit is looked at.
    #expect(
      fault(line(bytes + 16_384) + "\nrun 1 1\n") == "1: a line of at most 1 MiB")
  }

  @Test func `all sets together have at most 4 MiB, each xattr with 64 bytes more`() throws {
    func sets(_ last: Int) -> String {
      // A name of one byte.
      func set(_ count: Int) -> String {
        "set a=0x" + String(repeating: "00", count: count - 65) + "\n"
      }
      let large = 512 << 10
      return String(repeating: set(large), count: 7) + set(large + last) + "run 1 8\n"
    }
    for last in [-1, 0] { #expect(try read(sets(last), records: 1).count == 1) }
    #expect(fault(sets(1)) == "8: sets of at most 4 MiB in all")
    let forgotten = sets(0).replacing("run 1 8", with: "forget\nset b=0x\nrun 1 1")
    #expect(try read(forgotten, records: 1) == [Extra(xattrs: [xattr("b", [])])])
  }

  @Test func `a file has at most 16,384 parts with data`() throws {
    func sparse(_ count: Int) -> String {
      let parts = (0..<count).map { " \($0 * 2)+1" }
      return "sparse \(count * 2)" + parts.joined() + "\nrun 1\n"
    }
    for count in [16_383, 16_384] {
      #expect(try read(sparse(count), records: 1)[0]?.sparse?.extents.count == count)
    }
    #expect(fault(sparse(16_385)) == "1: sparse SIZE OFFSET+COUNT …, once, apart and in order")
    let extents = (0..<16_385).map { Extent(offset: UInt64($0) * 2, count: 1) }
    #expect(SparseMap(size: 1 << 20, extents: extents.dropLast()) != nil)
    #expect(SparseMap(size: 1 << 20, extents: extents) == nil)
  }

  @Test func `each record has what its run and the lines before that say`() throws {
    let extras = try read(
      """
      run 2
      set user.a=0x00ff user.b\\075c=0x
      set security.selinux=0x61
      run 1 2
      time -5
      sparse 1000 0+1 20+980
      run 3 1
      link
      run 1

      """, records: 9)
    let one = [xattr("user.a", [0, 255]), xattr("user.b=c", [])]
    let map = SparseMap(
      size: 1000, extents: [Extent(offset: 0, count: 1), Extent(offset: 20, count: 980)])
    #expect(
      extras == [
        nil, nil, Extra(xattrs: [xattr("security.selinux", [0x61])]),
        Extra(xattrs: one, time: -5, sparse: map), Extra(xattrs: one), Extra(xattrs: one),
        Extra(isLink: true), nil, nil,
      ])
  }

  @Test func `sets that are forgotten free their numbers`() throws {
    let extras = try read(
      "set user.a=0x\nrun 1 1\nforget\nset user.b=0x\nrun 1 1\n", records: 2)
    #expect(extras.map { $0?.xattrs.first?.name } == [Array("user.a".utf8), Array("user.b".utf8)])
  }

  @Test(arguments: [
    ("", nil), ("run 1\n", nil), ("run 2\n", "1: no more records than there are"),
    ("run 1\nrun 1\n", "2: no more records than there are"),
    ("run 1\nforget\n", "2: no more records than there are"),
    ("run 1", "1: a line with its end"), ("run", "1: a line with its end"),
    ("\n", "1: set, forget, time, sparse, link or run"),
    ("runs 1\n", "1: set, forget, time, sparse, link or run"),
    (" run 1\n", "1: set, forget, time, sparse, link or run"),
    ("run\n", "1: run COUNT [SET]"), ("run 0\n", "1: run COUNT [SET]"),
    ("run -1\n", "1: run COUNT [SET]"), ("run 01\n", "1: run COUNT [SET]"),
    ("run x\n", "1: run COUNT [SET]"), ("run 99999999999999999999\n", "1: run COUNT [SET]"),
    ("run 1 1\n", "1: the number of a set"), ("run 1 0\n", "1: the number of a set"),
    ("run 1 \n", "1: the number of a set"), ("run 1  1\n", "1: the number of a set"),
    ("set user.a=0x\nrun 1 2\n", "2: the number of a set"),
    ("set user.a=0x\nforget\nrun 1 1\n", "3: the number of a set"),
    ("set user.a=0x\nrun 1 1 1\n", "2: nothing more in the line"),
    ("set\n", "1: set NAME=0xHEX …"), ("set user.a\n", "1: set NAME=0xHEX …"),
    ("set user.a=\n", "1: set NAME=0xHEX …"), ("set user.a=00\n", "1: set NAME=0xHEX …"),
    ("set user.a=0x0\n", "1: set NAME=0xHEX …"), ("set user.a=0xFF\n", "1: set NAME=0xHEX …"),
    ("set =0x\n", "1: set NAME=0xHEX …"), ("set user.a=0x \n", "1: set NAME=0xHEX …"),
    ("set \\000=0x\n", "1: set NAME=0xHEX …"), ("set \\01=0x\n", "1: set NAME=0xHEX …"),
    ("set \\400=0x\n", "1: set NAME=0xHEX …"), ("set \\08a=0x\n", "1: set NAME=0xHEX …"),
    ("set user.a=0x\nrun 1 x\n", "2: the number of a set"),
    ("forget 1\n", "1: nothing more in the line"), ("link 1\n", "1: nothing more in the line"),
    ("time\n", "1: time SECONDS, once"), ("time x\n", "1: time SECONDS, once"),
    ("time -0\n", "1: time SECONDS, once"), ("time 1\ntime 1\n", "2: time SECONDS, once"),
    ("time 9223372036854775808\n", "1: time SECONDS, once"),
    ("time -9223372036854775808\n", "1: time SECONDS, once"),
    ("time 1 2\n", "1: nothing more in the line"), ("time 1\n", "1: run COUNT [SET]"),
    ("link\n", "1: run COUNT [SET]"), ("time 1\nforget\n", "2: run COUNT [SET]"),
  ])
  func `a malformed line is said with its number and what is expected`(
    text: String, expected: String?
  ) {
    #expect(fault(text) == expected)
  }

  @Test(arguments: [
    "sparse", "sparse 0", "sparse x", "sparse 10 0", "sparse 10 0+", "sparse 10 +1",
    "sparse 10 0-1",
    "sparse 10 0+0", "sparse 10 0+11", "sparse 10 10+1", "sparse 10 0+1 1+1", "sparse 10 5+1 0+1",
    "sparse 10 0+5 4+1", "sparse 10 18446744073709551615+2", "sparse 9223372036854775808 0+1",
    "sparse 10 0+1\nsparse 10 0+1",
  ])
  func `extents are in order, apart, and within the file`(line: String) {
    let number = line.split(separator: "\n").count
    #expect(
      fault(line + "\n") == "\(number): sparse SIZE OFFSET+COUNT …, once, apart and in order")
  }

  @Test func `a line, the sets and the extents have limits, and reach them`() throws {
    let long = "set user.a=0x" + String(repeating: "61", count: (1 << 19) - 16)
    #expect(fault(long + "\nrun 1 1\n") == nil)
    let tooLong = long + String(repeating: "61", count: 16384) + "\n"
    #expect(fault(tooLong) == "1: a line of at most 1 MiB")
    let sets = String(repeating: long + "\n", count: 7)
    #expect(fault(sets + "run 1 7\n") == nil)
    #expect(fault(sets + long + "\n") == "8: sets of at most 4 MiB in all")
    #expect(fault(sets + "forget\n" + sets + "run 1 7\n") == nil)

    func extents(_ count: Int) -> String {
      "sparse 1000000" + (0..<count).map { " \($0 * 10)+1" }.joined() + "\nrun 1\n"
    }
    #expect(fault(extents(16_384)) == nil)
    #expect(fault(extents(16_385))?.hasPrefix("1: sparse ") == true)
  }

  @Test func `pages are those that have data, each once`() {
    func pages(
      _ size: UInt64, _ extents: (UInt64, UInt64)..., pageSize: UInt64 = 4096
    ) -> UInt64? {
      SparseMap(size: size, extents: extents.map { Extent(offset: $0.0, count: $0.1) })?
        .pages(of: pageSize)
    }
    #expect(pages(58 << 30) == 0)
    #expect(pages(10_000, (0, 1)) == 1)
    #expect(pages(10_000, (4095, 2)) == 2)
    #expect(pages(10_000, (0, 1), (4094, 1), (4096, 1)) == 2)
    #expect(pages(1 << 40, (0, 4096), (8192, 4096), (1 << 39, 1)) == 3)
    #expect(pages(10_000, (1, 9_999)) == 3)
    #expect(pages(1 << 40, (0, 1), (16_380, 1), (16_384, 1), pageSize: 16_384) == 2)
    #expect(pages(1 << 40, (0, 1), (40_000, 1), (1 << 39, 1), pageSize: 65_536) == 2)
  }
}
