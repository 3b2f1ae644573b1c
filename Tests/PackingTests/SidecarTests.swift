// SPDX-License-Identifier: MIT

import CLinux
import Encoding
import Evidence
import Files
import Foundation
import Initramfs
import Inspection
import Newc
import Samples
import SystemPackage
import TestSupport
import Testing
import Tree
import Unpacking

@testable import Importing
@testable import Packing

/// What newc cannot carry, from a tree to a payload, and from that to the tree that `unpack` and
/// PID 1 make: on the host both are the same code, with files or without.
@Suite struct SidecarTests {
  private let directory: TemporaryDirectory
  private let root: FilePath
  private let program: GuestInit

  init() throws {
    directory = try TemporaryDirectory(below: "/dev/shm")
    root = directory.path.appending("root")
    program = try GuestInit(try directory.file("program", elf(count: 1001)), for: .x86)
    try sh("mkdir root")
  }

  private func sh(_ script: String) throws {
    _ = try Command(["bash", "-ec", script], in: directory.path).output()
  }

  @discardableResult
  private func pack(
    memberSize: Int = 1 << 20, _ change: (inout Packer) -> Void = { _ in }
  ) throws -> Packer.Summary {
    var packer = Packer(.none, jobs: 2, memberSize: memberSize)
    change(&packer)
    return try packer.write(try HostTree(root), program, into: out)
  }

  private func names(in name: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory.path.appending(name).string)
      .sorted()
  }

  private var out: FilePath { directory.path.appending("out") }

  /// The payload's files by their names, sidecars as text.
  private func sidecars() throws -> [String: String] {
    var sidecars: [String: String] = [:]
    for file in try payload() where file.name.hasSuffix(".extra") {
      sidecars[file.name] = String(decoding: file.bytes, as: UTF8.self)
    }
    return sidecars
  }

  private func payload() throws -> [(name: String, bytes: [UInt8])] {
    let tree = try ImageTree(Image(path: out))
    var files: [(name: String, bytes: [UInt8])] = []
    try tree.readContents { index in
      files.append((String(decoding: tree.files[index].names[0], as: UTF8.self), []))
    } data: { bytes in
      files[files.count - 1].bytes += bytes
    }
    let directory = ".leafroot/0123456789abcdef/"
    return files.filter { $0.name.hasPrefix(".leafroot/") }
      .map { (String($0.name.dropFirst(directory.count)), $0.bytes) }
  }

  /// As `leafroot unpack`.
  private func unpack(_ name: String = "unpacked") throws -> Unpacking.Summary {
    let image = try Image(path: out)
    return try OutputDirectory(directory.path.appending(name)).fill(
      from: ImageSequence(image.tree))
  }

  /// As PID 1.
  @discardableResult
  private func boot(
    _ name: String = "booted", change: (inout [(name: String, bytes: [UInt8])]) -> Void = { _ in }
  ) throws -> Payload {
    try sh("rm -rf payload \(name) && mkdir payload \(name)")
    var files = try payload()
    change(&files)
    for file in files { try directory.file("payload/\(file.name)", file.bytes) }
    let source = open(directory.path.appending("payload").string, O_RDONLY | O_DIRECTORY)
    let target = open(directory.path.appending(name).string, O_RDONLY | O_DIRECTORY)
    defer { for descriptor in [source, target] { close(descriptor) } }
    let payload = try #require(try Payload(in: source))
    var plan = Payload.Plan()
    plan.members = payload.count
    plan.threads = 3
    try payload.unpack(into: target, plan)
    // All has been freed, sidecars too.
    #expect(try names(in: "payload") == ["about"])
    return payload
  }

  /// All that is in the source's tree is in the other, and nothing else.
  private func expectSame(_ name: String) throws {
    let (ours, theirs) = (
      try HostTree(root).files, try HostTree(directory.path.appending(name)).files
    )
    #expect(ours.map(\.names) == theirs.map(\.names), "\(name)")
    for (mine, its) in zip(ours, theirs) {
      #expect(mine == its, "\(name): \(quoted(mine.names[0]))")
    }
    try sh("cd root && find . -type f -print0 | xargs -0 -I{} cmp {} ../\(name)/{}")
  }

  private func expectAgreement() throws {
    #expect(try unpack().missingXattrs == MissingXattrs())
    try expectSame("unpacked")
    #expect(try boot().missingXattrs == 0)
    try expectSame("booted")
  }

  // MARK: Trees

  /// All types of files, each with an xattr, and a time that newc cannot hold.
  private func plantTypes() throws {
    try sh(
      """
      cd root && mkdir dir && mkfifo fifo && ln -s nowhere link && ln -s x dir/link
      mknod disk b 8 1 && ln disk dir/disk && ln link dir/other && ln link zzz
      echo one > file && ln file dir/file && touch empty && ln empty dir/empty
      head -c 70000 /dev/urandom > large && python3 -c '
      import socket; socket.socket(socket.AF_UNIX).bind("socket")'
      for name in . dir fifo link disk file empty large socket dir/link; do
        setfattr -h -n trusted.name -v "of $name" $name
        setfattr -h -n security.selinux -v "label:$((RANDOM % 3))" $name
      done
      setfattr -n user.plain -v x . dir file
      setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 file
      touch -h -d '1960-01-02 UTC' dir/link fifo && touch -d '2300-01-02 UTC' large disk
      touch -d '1901-02-03 UTC' dir . && chmod 4755 large
      """)
  }

  @Test(.enabled(if: Privilege.mayRun, "needs root"), arguments: [1, 1 << 20])
  func `xattrs and times of every type come, the root's too`(memberSize: Int) throws {
    try plantTypes()
    try pack(memberSize: memberSize)
    try expectAgreement()
  }

  @Test(.enabled(if: Privilege.mayRun, "needs root"))
  func `a default access control list is not inherited by what is unpacked`() throws {
    try sh(
      """
      cd root && mkdir -p d/e && echo x > d/f && ln -s x d/l && mkfifo d/p
      setfattr -n system.posix_acl_default -v \(Self.accessControlList) d
      setfattr -n system.posix_acl_access -v \(Self.accessControlList) d/f && chmod 640 d/p
      """)
    try pack(memberSize: 1)
    try expectAgreement()
  }

  @Test(.enabled(if: Privilege.mayRun, "needs root"))
  func `random trees come back, whatever has which xattrs`() throws {
    for seed in 1...12 {
      try sh(
        """
        rm -rf root unpacked booted && mkdir root && cd root && RANDOM=\(seed)
        for dir in . a a/b c; do
          mkdir -p $dir
          for n in $(seq $((RANDOM % 9))); do
            file=$dir/f$n
            case $((RANDOM % 6)) in
              0) mkfifo $file;; 1) ln -s $((RANDOM % 3)) $file;; 2) touch $file;;
              3) truncate -s $((RANDOM * 40)) $file; printf x >> $file;;
              *) head -c $((RANDOM % 5000)) /dev/urandom > $file;;
            esac
            [ $((RANDOM % 4)) = 0 ] && ln $file $dir/g$n
            for x in $(seq $((RANDOM % 3))); do
              setfattr -h -n trusted.n$x -v v$((RANDOM % 2)) $file
            done
            [ $((RANDOM % 9)) = 0 ] && touch -h -d '1960-01-02 UTC' $file
          done
          [ $((RANDOM % 2)) = 0 ] && setfattr -n trusted.dir -v x $dir
          touch -d '2001-02-03 UTC' $dir
        done || :
        """)
      try pack(memberSize: seed % 2 == 0 ? 1 : 8000)
      try expectAgreement()
    }
  }

  /// Each byte but NUL in the name of a file and of an xattr, and in a value.
  @Test(.enabled(if: Privilege.mayRun, "needs root"))
  func `every byte of a name comes back`() throws {
    for byte in 1...255 as ClosedRange<UInt8> {
      let name = "trusted.n".utf8.map { CChar(bitPattern: $0) } + [CChar(bitPattern: byte), 0]
      let file: [CChar] =
        "\(root)/f".utf8.map { CChar(bitPattern: $0) }
        + [CChar(bitPattern: byte == 0x2F ? 0x30 : byte), 0x66, 0]
      close(open(file, O_WRONLY | O_CREAT, 0o600))
      #expect(setxattr(file, name, [byte, 0], 2, 0) == 0)
    }
    try pack()
    try expectAgreement()
  }

  /// `user::rwx,user:7:rwx,group::r-x,mask::rwx,other::r-x`, as Linux keeps it.
  private static let accessControlList =
    "0x0200000001000700ffffffff020007000700000004000500ffffffff10000700ffffffff20000500ffffffff"

  // MARK: Sizes

  @Test(.enabled(if: Privilege.mayRun, "needs root"))
  func `labels that are told once cost little, and cost nothing where there are none`() throws {
    try sh("cd root && mkdir $(seq 40) && for d in $(seq 40); do touch $d/{1..250}; done")
    try pack()
    #expect(try sidecars().isEmpty)
    try sh(
      """
      cd root
      setfattr -n security.selinux -v system_u:object_r:usr_t:s0 $(find . -type f)
      setfattr -n security.selinux -v system_u:object_r:bin_t:s0 [1-9]/*
      """)
    try pack()
    let sidecars = try sidecars()
    #expect(!sidecars.isEmpty)
    #expect(sidecars.values.reduce(0) { $0 + $1.utf8.count } < 5000)
    #expect(try unpack().missingXattrs.count == 0)
    try expectSame("unpacked")
  }

  /// Large values, and sets that take less than what is counted besides.
  @Test(arguments: [(9000, 260, 2), (60_000, 0, 4)])
  func `the sets of a sidecar have a limit, and what is different everywhere comes all the same`(
    records: Int, size: Int, forgets: Int
  ) throws {
    var writer = SidecarWriter()
    let extras = (0..<records).map {
      Extra(xattrs: [
        Xattr(
          name: Array("security.ima".utf8),
          value: Array("\($0)".utf8) + [UInt8](repeating: 3, count: size))
      ])
    }
    for extra in extras { writer.add(extra) }
    let text = writer.take()
    #expect(text.count < 7_000_000)
    func read(_ offset: Int64, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
      let rest = text.dropFirst(Int(offset)).prefix(buffer.count)
      buffer.copyBytes(from: rest)
      return rest.count
    }
    var reader = SidecarReader()
    var different = 0
    for extra in extras where try reader.next(read) != extra { different += 1 }
    #expect(different == 0)
    try reader.finish(read)
    #expect(String(decoding: text, as: UTF8.self).split(separator: "forget\n").count == forgets + 1)
  }

  @Test func `in a name, what is no printing ASCII is octal, and so are = and the backslash`() {
    var writer = SidecarWriter()
    let name = Array("user.".utf8) + [0x20, 0x21, 0x7E, 0x7F, 0x3D, 0x5C, 0xFF, 0x01]
    writer.add(Extra(xattrs: [Xattr(name: name, value: [0xA5])]))
    #expect(
      String(decoding: writer.take(), as: UTF8.self)
        == #"set user.\040!~\177\075\134\377\001=0xa5"# + "\nrun 1 1\n")
  }

  // MARK: Holes

  @Test(.enabled(if: Privilege.mayRun, "needs root"))
  func `holes stay holes, and cost nothing`() throws {
    try sh(
      """
      cd root && truncate -s 58G lastlog && printf x > ends && truncate -s 3G ends
      truncate -s 5G begins && printf end >> begins && ln begins other
      truncate -s 1G many && for at in 0 1 5 100 1000 9999; do
        printf "data $at" | dd of=many bs=65536 seek=$at conv=notrunc status=none
      done
      """)
    let summary = try pack(memberSize: 1)
    #expect(try InputFile(out).size < 1 << 20)
    #expect(summary.bytes < 1 << 20)
    let unpacked = try unpack()
    #expect(unpacked.reading.sidecarFault == nil)
    try boot()
    for name in ["unpacked", "booted"] {
      let (ours, theirs) = (
        try HostTree(root).files, try HostTree(directory.path.appending(name)).files
      )
      #expect(ours.map(\.names) == theirs.map(\.names))
      #expect(ours.map(\.entry.size) == theirs.map(\.entry.size))
      #expect(ours.map(\.sparse) == theirs.map(\.sparse))
      try sh("cmp -n 2000000 root/many \(name)/many && tail -c 3 \(name)/begins | grep -q end")
    }

    let image = try Image(path: out)
    let source = ImageSequence(image.tree)
    let totals = try Inspection(source, of: out).totals
    #expect(totals.pages == 8)
    #expect(totals.bytes == summary.bytes)
    let about = try #require(try payload().first { $0.name == "about" })
    #expect(String(decoding: about.bytes, as: UTF8.self).contains("pages \(totals.pages) "))
    var many: [UInt8] = []
    _ = try FileContents(Array("/many".utf8), of: out).read(source) { many += $0 }
    #expect(many.count == 1 << 30 && many[(1000 << 16)...].starts(with: "data 1000".utf8))
  }

  @Test func `a file in more pieces than a line has room for loses its smallest holes`() throws {
    let extents = (0..<40_000 as Range<UInt64>).map { Extent(offset: $0 * 8192, count: 1) }
    let map = try #require(SparseMap(size: 8192 * 40_000, data: extents))
    #expect(map.extents.count <= SparseMap.extentLimit)
    for extent in extents {
      #expect(map.extents.contains { $0.offset <= extent.offset && extent.end <= $0.end })
    }
    #expect(SparseMap(size: 10_000, data: [Extent(offset: 0, count: 10_000)]) == nil)
    #expect(SparseMap(size: 4096, data: [Extent(offset: 100, count: 1)]) == nil)
    #expect(SparseMap(size: 4097, data: [Extent(offset: 100, count: 1)]) != nil)
  }

  @Test func `a file with 4 GiB of data is refused, one with fewer in 5 GiB is not`() throws {
    func file(_ count: UInt64) -> TreeFile {
      let entry = Entry(name: Array("f".utf8), mode: 0o100644, size: 6 << 30)
      let map = SparseMap(size: 6 << 30, extents: [Extent(offset: 4096, count: count)])
      return TreeFile(names: [entry.name], entry: entry, target: [], seconds: 0, sparse: map)
    }
    let packer = Packer(.none, jobs: 1, memberSize: 1)
    let error = #expect(throws: FileError.self) {
      try packer.write(FakeTree(files: [file(1 << 32)]), program, into: out)
    }
    #expect(
      error?.description
        == "\(out): newc holds files with less than 4 GiB of data: 'f' has 4294967296 bytes")
    let short = #expect(throws: FileError.self) {
      try packer.write(FakeTree(files: [file(1 << 32 - 1)]), program, into: out)
    }
    #expect(short?.description.contains("has changed while it was read") == true)
  }

  // MARK: Choice

  @Test(.enabled(if: Privilege.mayRun, "needs root"))
  func `namespaces can be left out`() throws {
    try sh(
      """
      cd root && touch f && setfattr -n user.a -v x f && setfattr -n trusted.a -v x f
      setfattr -n security.selinux -v x f
      setfattr -n system.posix_acl_access -v \(Self.accessControlList) f
      """)
    for namespace in XattrNamespace.allCases {
      try pack { $0.xattrsLeftOut = [namespace] }
      let text = try #require(try sidecars()["0001.extra"])
      for other in XattrNamespace.allCases {
        #expect(text.contains("\(other.rawValue).") == (other != namespace), "\(text)")
      }
    }
    try pack { $0.xattrsLeftOut = Set(XattrNamespace.allCases) }
    #expect(try sidecars().isEmpty)
  }

  @Test(arguments: [
    ("user.a", "file"), ("user.a", "directory"), ("trusted.a", "link"),
    ("security.selinux", "fifo"),
    ("system.posix_acl_access", "fifo"), ("system.posix_acl_default", "directory"),
    ("-user.a", "link"), ("-user.a", "fifo"), ("-user.", "file"), ("-system.nfs4_acl", "file"),
    ("-system.posix_acl_access", "link"), ("-system.posix_acl_default", "file"),
    ("-com.apple.quarantine", "file"), ("-btrfs.compression", "file"), ("-user", "file"),
  ])
  func `what no tmpfs takes is left out, and said`(name: String, type: String) throws {
    let isSettable = !name.hasPrefix("-")
    let xattr = Xattr(name: Array(name.utf8.drop { $0 == UInt8(ascii: "-") }), value: [1])
    let modes: [String: UInt32] = [
      "file": 0o100644, "directory": 0o040755, "link": 0o120777, "fifo": 0o010644,
    ]
    let entry = Entry(name: Array("f".utf8), mode: modes[type] ?? 0)
    let file = TreeFile(
      names: [entry.name], entry: entry, target: type == "link" ? [0x78] : [], seconds: 0,
      xattrs: [xattr])
    let summary = try Packer(.none, jobs: 1, memberSize: 1).write(
      FakeTree(files: [file]), program, into: out)
    #expect(try sidecars().isEmpty == !isSettable)
    #expect(summary.unsettableXattrs.count == (isSettable ? 0 : 1))
    #expect(summary.unsettableXattrs.first?.name == (isSettable ? nil : xattr.name))
  }

  private func file(_ name: String, _ xattrs: [(name: String, size: Int)]) -> TreeFile {
    let entry = Entry(name: Array(name.utf8), mode: 0o100644)
    return TreeFile(
      names: [entry.name], entry: entry, target: [], seconds: 0,
      xattrs: xattrs.map {
        Xattr(name: Array($0.name.utf8), value: [UInt8](repeating: 0xFF, count: $0.size))
      })
  }

  /// XATTR_NAME_MAX and XATTR_SIZE_MAX: include/uapi/linux/limits.h.
  @Test(arguments: [(255, 1, true), (256, 1, false), (10, 65_536, true), (10, 65_537, false)])
  func `an xattr has a name of at most 255 bytes, and a value of 65,536`(
    nameSize: Int, size: Int, isPacked: Bool
  ) throws {
    let name = "trusted." + String(repeating: "n", count: nameSize - 8)
    let summary = try Packer(.none, jobs: 1, memberSize: 1).write(
      FakeTree(files: [file("f", [(name, size)])]), program, into: out)
    #expect(try sidecars().isEmpty != isPacked)
    #expect(summary.unsettableXattrs.count == (isPacked ? 0 : 1))
  }

  @Test func `of the xattrs that no tmpfs takes the first is kept, and all are counted`() throws {
    let files = [
      file("a", [("user.a", 1)]), file("b", [("one.b", 1), ("user.b", 1), ("two.b", 1)]),
      file("c", [("three.c", 1)]),
    ]
    let summary = try Packer(.none, jobs: 1, memberSize: 1).write(
      FakeTree(files: files), program, into: out)
    #expect(summary.unsettableXattrs.count == 3)
    #expect(summary.unsettableXattrs.first?.path == Array("b".utf8))
    #expect(summary.unsettableXattrs.first?.name == Array("one.b".utf8))
  }

  @Test func `xattrs of 256 KiB with their names are packed and read, of a byte more refused`()
    throws
  {
    func file(_ last: Int) -> TreeFile {
      self.file("f", (0..<4).map { ("trusted.\($0)", $0 < 3 ? 65_536 : last) })
    }
    let most = (256 << 10) - 3 * 65_536 - 4 * 9
    let packer = Packer(.none, jobs: 1, memberSize: 1)
    _ = try packer.write(FakeTree(files: [file(most)]), program, into: out)
    let sidecar = try #require(try payload().first { $0.name.hasSuffix(".extra") }).bytes
    var reader = SidecarReader()
    let extra = try reader.next { (offset, buffer) throws(Never) in
      let rest = sidecar.dropFirst(Int(offset)).prefix(buffer.count)
      buffer.copyBytes(from: rest)
      return rest.count
    }
    #expect(extra?.xattrs == file(most).xattrs)
    #expect(throws: FileError.self) {
      try packer.write(FakeTree(files: [file(most + 1)]), program, into: out)
    }
  }

  @Test func `more xattrs than a line has room for are refused`() throws {
    func file(_ count: Int) -> TreeFile {
      self.file("f", (0..<count).map { ("trusted.\($0)", 64 << 10) })
    }
    let packer = Packer(.none, jobs: 1, memberSize: 1)
    _ = try packer.write(FakeTree(files: [file(3)]), program, into: out)
    #expect(try Image(path: out).payloads[0].members.contains { $0.piece.sidecar != nil })
    let error = #expect(throws: FileError.self) {
      try packer.write(FakeTree(files: [file(4)]), program, into: out)
    }
    #expect(
      error?.description
        == "\(out): 'f' has 262180 bytes of extended attributes, at most 262144 are packed")
  }

  // MARK: What goes wrong

  @Test(.enabled(if: Privilege.mayRun, "needs root"))
  func `an xattr that cannot be set is counted, and the rest comes`() throws {
    try sh(
      """
      cd root && mkdir d && touch d/f g && setfattr -n trusted.a -v x . d d/f g
      ln -s x d/l && setfattr -h -n trusted.a -v x d/l
      """)
    try pack()
    // No file system has this namespace, and a name may be too long for all of them.
    for name in ["nothing.a", "user." + String(repeating: "n", count: 300)] {
      let payload = try boot { files in
        for index in files.indices where files[index].name.hasSuffix(".extra") {
          let text = String(decoding: files[index].bytes, as: UTF8.self)
          files[index].bytes = Array(text.replacing("trusted.a", with: name).utf8)
        }
      }
      #expect(payload.missingXattrs == 5)
      #expect(payload.xattrLosses.first?.name == Array(name.utf8))
      #expect(
        try HostTree(directory.path.appending("booted")).files.map(\.names)
          == HostTree(root).files.map(\.names))
    }
  }

  @Test(.enabled(if: Privilege.mayRun, "needs root"))
  func `what was not unpacked has no xattrs to lose`() throws {
    try sh("cd root && mkdir d && touch d/f && ln -s x d/l && mkfifo d/p && mkdir d/e")
    try sh("cd root && for f in d/f d/l d/p d/e; do setfattr -h -n trusted.a -v x $f; done")
    try pack(memberSize: 1)
    // Without the record of `d` nothing in it can be made.
    let payload = try boot { files in
      let index = files.firstIndex { $0.name == "0000" }!
      let name = files[index].bytes.firstRange(of: Array("d\0070701".utf8))!
      files[index].bytes[name.lowerBound] = UInt8(ascii: "x")
    }
    #expect(payload.missingXattrs == 0)
    #expect(try names(in: "booted") == ["x"])
  }

  @Test(arguments: [
    ("run 1\nrun 9\n", "line 2: expected no more records than there are"),
    ("set\n", "line 1: expected set NAME=0xHEX …"),
    ("sparse 10 0+1\nrun 1\n", "line 2: expected a regular file with as many bytes of data"),
    ("link\nrun 1\n", "line 2: expected a symbolic link behind another one"),
    ("time 1\n", "line 1: expected run COUNT [SET]"),
  ])
  func `a sidecar that does not fit is an error with its name and line`(
    text: String, expected: String
  ) throws {
    try sh("cd root && echo x > f && touch -d 1960-01-01 f")
    try pack()
    let failure = #expect(throws: PayloadFailure.self) {
      try boot { files in
        let index = files.firstIndex { $0.name == "0001.extra" }!
        files[index].bytes = Array(text.utf8)
      }
    }
    #expect(
      failure.map { String(decoding: Text($0).bytes, as: UTF8.self) }
        == "/.leafroot/0001.extra: \(expected)")
  }
}

/// Files without content.
private struct FakeTree: TreeSource {
  let files: [TreeFile]
  var permissions: FilePermissions { .ownerReadWrite }

  func readContents(
    progress: @escaping (Int64, Int64) -> Void, begin: (Int) throws -> Void,
    data: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    for (index, file) in files.enumerated() where file.dataSize > 0 { try begin(index) }
  }
}
