// SPDX-License-Identifier: MIT

import BootFacts
import CLinux
import Encoders
import Files
import Foundation
import Images
import Initramfs
import Newc
import Samples
import SystemPackage
import TestSupport
import Testing
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
    try directory.shell(script)
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

  /// As `leafroot unpack`.
  private func unpack(_ name: String = "unpacked") throws -> DirectoryUnpacker.Summary {
    let image = try Image(path: out)
    return try OutputDirectory(directory.path.appending(name)).fill(
      from: ImageSequence(image.tree))
  }

  /// As PID 1.
  @discardableResult
  private func boot(
    _ name: String = "booted", endsAtRefusal: Bool = false,
    change: (inout [(name: String, bytes: [UInt8])]) -> Void = { _ in }
  ) throws -> Payload {
    try sh("rm -rf payload \(name) && mkdir payload \(name)")
    var files = try payloadFiles(of: out)
    change(&files)
    for file in files { try directory.file("payload/\(file.name)", file.bytes) }
    let source = open(directory.path.appending("payload").string, O_RDONLY | O_DIRECTORY)
    let target = open(directory.path.appending(name).string, O_RDONLY | O_DIRECTORY)
    defer { for descriptor in [source, target] { close(descriptor) } }
    let payload = try #require(try Payload(in: source))
    var plan = Payload.Plan()
    plan.members = payload.count
    plan.threads = 3
    plan.endsAtRefusal = endsAtRefusal
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
  func `labels that are stored once cost little, and nothing if there are none`() throws {
    try sh("cd root && mkdir $(seq 40) && for d in $(seq 40); do touch $d/{1..250}; done")
    try pack()
    #expect(try sidecars(of: out).isEmpty)
    try sh(
      """
      cd root
      setfattr -n security.selinux -v system_u:object_r:usr_t:s0 $(find . -type f)
      setfattr -n security.selinux -v system_u:object_r:bin_t:s0 [1-9]/*
      """)
    try pack()
    let sidecars = try sidecars(of: out)
    #expect(!sidecars.isEmpty)
    #expect(sidecars.values.reduce(0) { $0 + $1.utf8.count } < 5000)
    #expect(try unpack().missingXattrs.count == 0)
    try expectSame("unpacked")
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
    #expect(unpacked.image.sidecarFault == nil)
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
    let about = try #require(try payloadFiles(of: out).first { $0.name == "about" })
    #expect(String(decoding: about.bytes, as: UTF8.self).contains("pages \(totals.pages) "))
    var many: [UInt8] = []
    _ = try FileContents(Array("/many".utf8), of: out).read(source) { many += $0 }
    #expect(many.count == 1 << 30 && many[(1000 << 16)...].starts(with: "data 1000".utf8))
  }

  // MARK: ImageSelector

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
      let text = try #require(try sidecars(of: out)["0001.extra"])
      for other in XattrNamespace.allCases {
        #expect(text.contains("\(other.rawValue).") == (other != namespace), "\(text)")
      }
    }
    try pack { $0.xattrsLeftOut = Set(XattrNamespace.allCases) }
    #expect(try sidecars(of: out).isEmpty)
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
    #expect(try sidecars(of: out).isEmpty == !isSettable)
    #expect(summary.unsettableXattrs.count == (isSettable ? 0 : 1))
    #expect(summary.unsettableXattrs.first?.name == (isSettable ? nil : xattr.name))
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
    // Without the record of `d` nothing in it can be made. The user allows an incomplete tree.
    let payload = try boot(endsAtRefusal: true) { files in
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
