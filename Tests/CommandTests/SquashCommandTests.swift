// SPDX-License-Identifier: MIT

import TestSupport
import Testing

/// `leafroot pack --squash`, and what the other verbs make of its images.
@Suite struct SquashCommandTests {
  private let tree: SquashTree
  private var directory: TemporaryDirectory { tree.directory }
  private var leafroot: Tool { tree.leafroot }

  init() throws { tree = try SquashTree() }

  /// The metadata and contents of a tree, one line for each name, with its hard links.
  private func census(_ name: String) throws -> [String] {
    let script = """
      cd \(name)
      find . -printf '%y %m %U:%G %T@ %n %l %P\\n' | sort -k 7
      getfattr -Rhd -m - -e hex .
      find . -type f -print0 | sort -z | xargs -0 sha256sum
      find . -type b -o -type c | sort | xargs -r stat -c '%n %Hr:%Lr'
      """
    return String(decoding: try directory.shell(script), as: UTF8.self).split(separator: "\n")
      .map(String.init)
  }

  // MARK: Reports

  @Test func `pack says what is squashed, for which kernels, and what the root keeps`() throws {
    try tree.make()
    let result = try tree.pack("--squash", "opt/vendor/")
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.isEmpty, "\(result.errors)")
    let lines = result.output.split(separator: "\n")
    try #require(lines.count == 5, "\(result.output)")
    #expect(
      lines[0].hasSuffix(
        " bytes, 64 of LeafRoot (x86_64); 8 entries, 6 bytes of content in 2 members"),
      "\(lines[0])")
    #expect(
      lines[1].wholeMatch(
        of: /squashfs: \d+ bytes; 12 entries, \d+ bytes of content of \/usr, \/opt\/vendor/) != nil,
      "\(lines[1])")
    #expect(lines[2] == "kernels that can mount it: 6.12.1-test")
    #expect(lines[3] == "memory that the root keeps: 1 MiB")
    #expect(lines[4] == "kernel parameters: nonroot_initramfs")
  }

  @Test func `inspect counts what is squashed, and lists it`() throws {
    try tree.make()
    #expect(try tree.pack().status == 0)
    let report = try leafroot("inspect", "out")
    #expect(report.status == 0, "\(report.errors)")
    #expect(
      report.output.contains(/\nsquashfs\t\/usr: 10 entries, \d+ bytes, \d+ compressed\n/),
      "\(report.output)")
    #expect(report.output.contains("\nmodules\t6.12.1-test\n"), "\(report.output)")
    #expect(report.output.contains("\ninit\t/init -> usr/bin/start\n"), "\(report.output)")
    #expect(report.output.contains(" MiB, 1 MiB kept\n"), "\(report.output)")
    #expect(!report.output.contains("\nwarning\t"), "\(report.output)")

    let list = try leafroot("inspect", "out", "--list")
    #expect(list.status == 0, "\(list.errors)")
    #expect(list.output.contains(" usr/bin/start\n"), "\(list.output)")
    #expect(try leafroot("inspect", "out", "--cat", "/init").output == "#!")

    let json = try leafroot("inspect", "out", "--json").output
    #expect(json.contains("\"squashfs\" : {"), "\(json)")
    #expect(json.contains("\"memoryKept\" : 1"), "\(json)")
    #expect(json.contains("\"6.12.1-test\""), "\(json)")
  }

  @Test func `a packed image that lacks its squashfs is damaged`() throws {
    try tree.make()
    #expect(try tree.pack().status == 0)
    var bytes = try directory.bytes("out")
    let name = try #require(bytes.firstRange(of: Array("/squash\0".utf8)))
    bytes[name.lowerBound + 1] = UInt8(ascii: "x")
    try directory.file("out", bytes)
    let report = try leafroot("inspect", "out")
    #expect(report.status == 1, "\(report.output)")
    #expect(report.output.contains("/squash: the image is cut short"), "\(report.output)")
  }

  @Test func `entry prints what a squashed image needs, also with a larger rootfs`() throws {
    try tree.make()
    try directory.shell("head -c 20M /dev/urandom >tree/usr/random")
    #expect(try tree.pack().status == 0)
    let entry = try leafroot("entry", "out", "--for", "grub")
    #expect(entry.status == 0, "\(entry.errors)")
    #expect(
      entry.output.contains(/memory: at least \d+ MiB, or \d+ MiB with initramfs_options=size=90%/),
      "\(entry.output)")
  }

  @Test func `entry and boot warn of a kernel that cannot mount the image`() throws {
    try tree.make()
    #expect(try tree.pack().status == 0)
    for (release, isKnown) in [("6.12.1-test", true), ("6.1.0-9", false)] {
      try directory.file("vmlinuz", x86Kernel(release: "\(release) (builder) #1 SMP"))
      let entry = try leafroot("entry", "out", "--for", "qemu", "--kernel", "vmlinuz")
      #expect(entry.status == 0, "\(entry.errors)")
      #expect(
        entry.errors
          == (isKnown
            ? ""
            : "leafroot: warning: out: Linux 6.1.0-9 cannot mount /usr: the image has no modules "
              + "for it, only those for 6.12.1-test\n"))
    }
  }

  // MARK: Trees

  /// Access control lists: the version, then tag, permissions and number of each entry.
  private static let accessList =
    "0x02000000" + "01000600ffffffff" + "02000600d2040000" + "04000400ffffffff"
    + "10000600ffffffff" + "20000400ffffffff"
  private static let defaultList =
    "0x02000000" + "01000700ffffffff" + "04000500ffffffff" + "080004004d000000"
    + "10000500ffffffff" + "20000500ffffffff"

  @Test(.enabled(if: Privilege.mayRun))
  func `unpack gives the tree that was squashed`() throws {
    try tree.make()
    try directory.shell(
      """
      cd tree/usr
      ln bin/start bin/start2
      ln -s start bin/link; ln -P bin/link bin/link2
      mknod null c 1 3; mknod disk b 8 17; mkfifo fifo; ln null null2
      printf x >capable; setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 capable
      printf x >named; setfattr -n user.name -v $'a=b\\n' named; setfattr -n user.a%3D -v x named
      printf x >owned; chown 3000000000:70000 owned; chmod 6751 owned
      printf x >'a, b:c\\d'
      mkdir -p share/deep; printf x >share/deep/$(printf '%0250d' 0); printf x >$(printf '%0255d' 1)
      printf x >share/deep/old; touch -d '1960-01-02 UTC' share/deep/old
      printf x >share/deep/acl; setfattr -n system.posix_acl_access -v \(Self.accessList) share/deep/acl
      setfattr -n system.posix_acl_default -v \(Self.defaultList) share
      perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "socket", Listen => 1) or die'
      truncate -s 3M sparse; printf end >>sparse
      truncate -s 1M empty
      head -c 3000000 /dev/urandom >large
      find .. -newermt 1970-01-01 -exec touch -h -d @1234567890 {} +
      touch -d @1 share share/deep ..
      """)
    let packed = try tree.pack("--squash", "/opt/vendor")
    #expect(packed.status == 0 && packed.errors.isEmpty, "\(packed.errors)")
    let unpacked = try leafroot("unpack", "out", "unpacked")
    #expect(unpacked.status == 0 && unpacked.errors.isEmpty, "\(unpacked.errors)")
    let (theirs, ours) = (try census("tree"), try census("unpacked"))
    #expect(Set(theirs).subtracting(ours).isEmpty, "lost: \(Set(theirs).subtracting(ours))")
    #expect(Set(ours).subtracting(theirs).isEmpty, "new: \(Set(ours).subtracting(theirs))")
    #expect(theirs == ours)
  }

  @Test func `a file with hard links across the border is copied, and that is said`() throws {
    try tree.make()
    try directory.shell("ln tree/usr/bin/start tree/etc/start && ln tree/etc/start tree/usr/x")
    let packed = try tree.pack()
    #expect(packed.status == 0, "\(packed.errors)")
    #expect(
      packed.output.contains("\ncopied 1 file with hard links across /usr: 'etc/start'\n"),
      "\(packed.output)")
    #expect(try leafroot("unpack", "out", "unpacked").status == 0)
    let links = try directory.shell(
      "stat -c %h unpacked/etc/start unpacked/usr/x; cat unpacked/etc/start unpacked/usr/bin/start")
    #expect(String(decoding: links, as: UTF8.self) == "1\n2\n#!#!")
  }

  @Test func `the same tree gives the same bytes, whatever the number of jobs`() throws {
    try tree.make()
    try directory.shell("head -c 3M /dev/urandom >tree/usr/random; seq 400000 >tree/usr/numbers")
    var images: [[UInt8]] = []
    for jobs in ["1", "2", "4"] {
      #expect(try tree.pack("--jobs", jobs).status == 0)
      images.append(try directory.bytes("out"))
    }
    #expect(images[0] == images[1] && images[0] == images[2])
    try directory.shell("cp -a tree other && rm -r tree && mv other tree")
    #expect(try tree.pack().status == 0)
    #expect(try directory.bytes("out") == images[0])

    var dated = leafroot
    dated.environment["SOURCE_DATE_EPOCH"] = "1600000000"
    let result = try dated(
      "pack", "tree", "-o", "dated", "--arch", "x86_64", "--squash", "usr", "--level", "3")
    #expect(result.status == 0, "\(result.errors)")
    #expect(try directory.bytes("dated") != images[0])
  }

  @Test func `a tar archive and an initramfs are squashed like a directory`() throws {
    try tree.make()
    #expect(try tree.pack().status == 0)
    #expect(try leafroot("unpack", "out", "expected").status == 0)
    try directory.shell("bsdtar --format pax -cf tar -C tree . && zstd -q tar")
    try directory.shell("cd tree && find . | cpio --quiet -oH newc >../cpio")
    for source in ["tar", "tar.zst", "cpio"] {
      let packed = try leafroot(
        "pack", source, "-o", "out", "--arch", "x86_64", "--level", "3", "--squash", "/usr")
      #expect(packed.status == 0, "\(packed.errors)")
      #expect(try leafroot("unpack", "out", source + "-tree").status == 0)
      let other = try census(source + "-tree")
      #expect(try census("expected") == other, "\(source)")
    }
  }

  @Test(.enabled(if: Privilege.mayRun))
  func `a squashfs is packed like the directory that it was made of`() throws {
    try tree.make()
    try directory.shell(
      """
      cd tree
      ln usr/bin/start usr/bin/start2; mknod null c 1 3; chown 7:8 etc/config; chmod 4755 etc/config
      setfattr -n user.name -v value etc/config
      setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 usr/bin/start
      find . -exec touch -h -d @1234567890 {} +
      bsdtar --format pax --xattrs -cf - . | tar2sqfs -q ../source.squashfs
      """)
    for options in [[], ["--squash", "/usr"]] {
      let packed = try leafroot(
        ["pack", "source.squashfs", "-o", "out", "--arch", "x86_64", "--level", "3"] + options)
      #expect(packed.status == 0 && packed.errors.isEmpty, "\(packed.errors)")
      let unpacked = try leafroot("unpack", "out", "unpacked")
      #expect(unpacked.status == 0, "\(unpacked.errors)")
      let (theirs, ours) = (try census("tree"), try census("unpacked"))
      #expect(Set(theirs).symmetricDifference(ours).isEmpty)
      try directory.removeTree("unpacked")
    }
  }
}
