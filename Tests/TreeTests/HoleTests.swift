// SPDX-License-Identifier: MIT

import CLinux
import Testing
import Tree

/// A file of `size` bytes that holds `data`, at offsets that begin pages, and else nothing.
struct SparseFile {
  let size: Int
  let data: [(offset: Int, bytes: [UInt8])]

  /// Where holes may be: nowhere, at the beginning, in the middle, at the end, everywhere; next to
  /// the borders of what is moved at once, and not on them. Sizes are no multiples of a page.
  static let shapes: [(size: Int, data: [(offset: Int, count: Int)])] = {
    let (page, piece) = (65536, 1 << 20)
    return [
      (1, []), (page + 1, []), (piece, []), (3 * piece + 5, []),
      (4 * page, [(0, 10)]), (4 * page + 1, [(4 * page, 1)]),
      (piece, [(piece - page, page)]), (piece + 1, [(piece, 1)]),
      (3 * piece + 99, [(0, 3 * piece)]), (3 * piece + 99, [(piece, 2 * piece + 99)]),
      (4 * piece - 1, [(piece - page, 2 * page), (3 * piece, piece - 1)]),
      (5 * piece + 5, [(page, 3), (3 * page, 2 * page), (2 * piece, piece), (4 * piece, page)]),
    ]
  }()

  init(size: Int, _ data: [(offset: Int, count: Int)]) {
    self.size = size
    self.data = data.map { ($0.offset, content($0.count, UInt64($0.offset + 7))) }
  }

  /// Whether its last page is there: of 64 kB, the largest that there are.
  var isFullAtItsEnd: Bool {
    guard let last = data.last else { return false }
    return (last.offset + last.bytes.count - 1) / 65536 == (size - 1) / 65536
  }

  func plant(_ name: String, in directory: Int32) throws {
    let file = try check(
      "create", linux_openat(directory, name, O_WRONLY | O_CREAT | O_EXCL, 0o644))
    defer { close(file) }
    try check("ftruncate", ftruncate(file, size))
    for (offset, bytes) in data {
      try #require(pwrite(file, bytes, bytes.count, offset) == bytes.count)
    }
  }

  /// Looks at the data alone, and at a byte of each hole: on ramfs a hole that is read is none.
  func expectContent(of name: String, in directory: Int32) throws {
    let file = try openDescriptor(name, O_RDONLY | Kernel.noAccessTime, in: directory)
    defer { close(file) }
    var end = 0
    for (offset, bytes) in data + [(size, [])] {
      if end < offset { try #require(read(file, 1, at: offset - 1) == [0]) }
      try #require(read(file, bytes.count, at: offset) == bytes)
      end = offset + bytes.count
    }
  }

  private func read(_ file: Int32, _ count: Int, at offset: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
      done = max(0, pread(file, buffer.baseAddress!, count, offset))
    }
  }
}

/// Size, blocks of 512 bytes, links, and times.
func extent(of name: String, in directory: Int32) throws -> [Int] {
  var status = linux_status()
  try check(
    "statx", linux_statx(directory, name, AT_SYMLINK_NOFOLLOW, LINUX_STATX_BASIC_STATS, &status))
  return [
    Int(status.size), Int(status.blocks), Int(status.links), Int(status.modified.seconds),
    Int(status.accessed.seconds),
  ]
}

extension TreeTests {
  @Suite struct `Holes` {
    private static let few = Arena.FileSystem.tmpfs("size=3m")

    /// There and back, where nobody reads what is in the source.
    private func expectSame(
      _ files: [String: SparseFile], source: Arena.FileSystem, target: Arena.FileSystem = few,
      plant: (Planting) throws -> Void = { _ in }
    ) throws {
      try Arena.with(source: source, target: target) { arena in
        let planting = Planting(directory: arena.source)
        for (name, file) in files { try file.plant(name, in: arena.source) }
        try plant(planting)
        try planting.settleTimes()
        let before = try files.keys.map { ($0, try extent(of: $0, in: arena.source)) }
        let mover = try arena.mover()

        try mover.move()
        #expect(try names(in: arena.source).isEmpty)
        for (name, expected) in before {
          #expect(try extent(of: name, in: arena.target) == expected, "\(name)")
        }
        try mover.restore()
        #expect(try names(in: arena.target).isEmpty)
        for (name, expected) in before {
          #expect(try extent(of: name, in: arena.source) == expected, "\(name)")
          try files[name]!.expectContent(of: name, in: arena.source)
        }

        try arena.mover().move()
        for (name, file) in files { try file.expectContent(of: name, in: arena.target) }
      }
    }

    /// Both cut an image short at 1,000 bytes; ramfs reads holes into memory.
    @Test(arguments: [Arena.FileSystem.ramfs, few])
    func `a file of 2,000 MB with 1,000 bytes moves into 3 MB`(source: Arena.FileSystem) throws {
      let file = SparseFile(size: 2_000_000_000, [(0, 1000)])
      try expectSame(["file": file], source: source)
      try expectSame(["file": file], source: source) { try $0.hardLink("again", to: "file") }
    }

    @Test(arguments: [Arena.FileSystem.ramfs, .tmpfs("size=50%")])
    func `stay wherever they are in a file, and take no memory`(source: Arena.FileSystem) throws {
      var files: [String: SparseFile] = [:]
      for (number, shape) in SparseFile.shapes.enumerated() {
        files["\(number)"] = SparseFile(size: shape.size, shape.data)
        files["linked-\(number)"] = SparseFile(size: shape.size, shape.data)
      }
      try expectSame(files, source: source, target: .tmpfs("size=50%")) {
        for number in SparseFile.shapes.indices {
          try $0.hardLink("again-\(number)", to: "linked-\(number)")
        }
      }
    }

    @Test func `stay where a ramfs is the target`() throws {
      try expectSame(
        ["file": SparseFile(size: 100_000_000, [(1 << 20, 1 << 20), (8 << 20, 9)])], source: .ramfs,
        target: .ramfs)
    }

    @Test func `leave a file with owner, permissions, capability and xattrs`() throws {
      try expectSameAfterMove {
        for (number, shape) in SparseFile.shapes.enumerated() {
          let names = ["\(number)", "linked-\(number)"]
          for name in names {
            try SparseFile(size: shape.size, shape.data).plant(name, in: $0.directory)
            try check("chown", fchownat($0.directory, name, 5, 6, 0))
            try check("chmod", fchmodat($0.directory, name, 0o4750, 0))
            try $0.attribute("security.capability", KernelAttribute.capability, on: name)
            try $0.attribute("trusted.note", [UInt8(number)], on: name)
          }
          try $0.hardLink("again-\(number)", to: names[1])
        }
      }
    }

    @Test func `do not grow when a file comes back, and need no memory on the way`() throws {
      try Arena.with(source: Self.few, target: Self.few) { arena in
        let file = SparseFile(size: 50_000_000, [(1 << 20, 9), (4 << 20, 2_000_000)])
        try file.plant("file", in: arena.source)
        let before = try extent(of: "file", in: arena.source)

        for calls in 0... {
          let mover = try arena.mover(threads: 1)
          Faults.fail(after: calls, with: EIO)
          do throws(Failure) { try mover.move() } catch { try #require(!error.tearsFile) }
          if Faults.disarm() {
            try #require(calls > 30)
            break
          }
          try mover.restore()
          try #require(try extent(of: "file", in: arena.source) == before, "call \(calls)")
          try file.expectContent(of: "file", in: arena.source)
        }
        try file.expectContent(of: "file", in: arena.target)
      }
    }

    @Test(arguments: [Arena.FileSystem.ramfs, .tmpfs("size=50%")])
    func `at a file's end are counted, and one of the files is named`(source: Arena.FileSystem)
      throws
    {
      for shape in SparseFile.shapes {
        let file = SparseFile(size: shape.size, shape.data)
        for links in [1, 2] {
          try Arena.with(source: source) { arena in
            let planting = Planting(directory: arena.source)
            try planting.directory("usr")
            try planting.directory("usr/lib")
            for number in 0..<5 { try planting.file("usr/\(number)", size: number * 5000) }
            try file.plant("usr/lib/file", in: arena.source)
            if links == 2 { try planting.hardLink("usr/lib/again", to: "usr/lib/file") }
            let mover = try arena.mover()

            try mover.move()
            let found = String(decoding: mover.firstEndingInHole, as: UTF8.self)
            if file.isFullAtItsEnd {
              #expect(mover.filesEndingInHole == 0, "\(shape)")
              #expect(found == "")
            } else {
              #expect(mover.filesEndingInHole == 1, "\(shape)")
              #expect(["/usr/lib/file", "/usr/lib/again"].prefix(links).contains(found))
            }
            try mover.restore()
            #expect(mover.filesEndingInHole == (file.isFullAtItsEnd ? 0 : 1))
          }
        }
      }
    }

    @Test func `at the ends of many files are counted by all threads`() throws {
      try Arena.with { arena in
        for number in 0..<200 {
          try SparseFile(size: 1 << 17, [(0, 1)]).plant("\(number)", in: arena.source)
        }
        let mover = try arena.mover(threads: 4)
        try mover.move()
        #expect(mover.filesEndingInHole == 200)
      }
    }
  }
}
