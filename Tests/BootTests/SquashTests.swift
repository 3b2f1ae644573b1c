// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import Newc
import Packing
import TestSupport
import Testing

@testable import BootHarness

/// Packed images of which some directories stay compressed.
@Suite struct SquashTests {
  /// Those of a nasty tree, except that of devices: one of them is a whiteout for an overlay.
  private static let nasty = ["deep", "links", "modes", "names", "sizes"]

  private func packed(_ squashed: SquashedDirectories) -> PackedImage {
    var packed = PackedImage()
    packed.squashed = squashed
    return packed
  }

  private func boot(
    _ squashed: SquashedDirectories, on kernel: String = "6.12-x86_64",
    _ architecture: Architecture = .x86
  ) throws -> Boot {
    var boot = Boot(kernel: kernel, packed: packed(squashed))
    boot.tree.file("census", try bytes(of: Place.census(for: architecture)), mode: 0o755)
    return boot
  }

  /// A boot of the nasty tree.
  private func nastyBoot(
    on kernel: String, _ architecture: Architecture = .x86
  ) throws -> Boot {
    var boot = try boot(
      SquashedDirectories(Self.nasty, on: kernel), on: kernel, architecture)
    NastyTree.add(to: &boot.tree)
    boot.memory = 512
    return boot
  }

  /// What the stock kernel unpacks.
  private func stock(_ boot: Boot, _ script: String = "/census /") async throws -> Census {
    var stock = boot
    (stock.packed, stock.hasLeaf) = (nil, false)
    return try await stock.run(script).census
  }

  private func expectSame(_ outcome: Outcome, as stock: Census, count: Int = 20) throws {
    try outcome.expectLeaf()
    #expect(stock.entries.count > count)
    let differences = outcome.census.ownEntries.excluding(["./.leafroot-boot"])
      .differences(from: stock.ownEntries.excluding(["./.leafroot-boot"]))
    #expect(differences.isEmpty, "\(differences.prefix(20))\n\(outcome)")
  }

  /// Changes the metadata of all files, which copies them up.
  private static let touch = """
    busybox find \(nasty.map { "/\($0)" }.joined(separator: " ")) ! -type l > /list
    while IFS= read -r name; do
      time=$(busybox stat -c %Y "$name" 2>&1) && busybox touch -c -d @$time "$name"
    done < /list
    busybox rm /list
    """

  @Test(arguments: StockKernel.squashSample, [1, 4])
  func `a nasty tree is what the stock kernel unpacks, before and after its files are copied up`(
    kernel: StockKernel, cpus: Int
  ) async throws {
    var boot = try nastyBoot(on: kernel.name)
    boot.cpus = cpus
    let script = "/census /; echo @changed; \(Self.touch); /census /"
    let outcome = try await boot.run(script)
    let stock = try await stock(boot)

    try expectSame(outcome, as: stock, count: 250)
    let parts = outcome.output.split(separator: "@changed")
    let before = Census(parts[0].split(separator: "\n"))
    #expect(
      before.ownEntries.excluding(["./.leafroot-boot"])
        .differences(from: stock.ownEntries.excluding(["./.leafroot-boot"])) == [])
    #expect(outcome.logs("mounted deep, links, modes, names, sizes: "), "\(outcome)")
    #expect(outcome.verdict.logged.count == 2, "\(outcome)")
  }

  /// Debian has no kernel with pages of 64 KiB; ours for aarch64 does, which `make proof` boots.
  private static let elsewhere =
    (StockKernel.rootfsElsewhere + StockKernel.leafElsewhere).filter(\.hasModules)
    .map { ($0.name, $0.architecture) }
    + (StockKernel.areAllChosen ? [("Image-6.12", .arm)] : [])

  /// Pages of 16 KiB, too: the kit's shell, which would change files, is of x86_64.
  @Test(arguments: elsewhere)
  func `elsewhere it is that tree as well`(kernel: String, architecture: Architecture) async throws
  {
    var boot = try nastyBoot(on: kernel, architecture)
    boot.command = ["/census", "/"]
    var stock = boot
    (stock.packed, stock.hasLeaf) = (nil, false)
    let outcome = try await boot.run()

    try expectSame(outcome, as: try await stock.run().census, count: 250)
    #expect(outcome.logs("mounted deep, links, modes, names, sizes: "), "\(outcome)")
  }

  @Test func `a file keeps its inode number and its hard links when it is changed`() async throws {
    var boot = try boot(SquashedDirectories("links"))
    NastyTree.add(to: &boot.tree)
    let outcome = try await boot.run(
      """
      inode() { busybox stat -c 'inode %i links %h' /links/9001 /links/a/9001 /links/b; }
      inode
      echo more >> /links/9001
      busybox touch /links/b/new
      inode
      busybox cat /links/b/9001
      busybox mv /links/b /links/moved && busybox ls /links/moved
      """)

    let lines = outcome.output.split(separator: "\n").map(String.init)
    try #require(lines.count > 7, "\(outcome)")
    #expect(lines[0] == lines[1])
    #expect(lines[0].hasSuffix("links 3"))
    #expect(Array(lines[0..<2]) == Array(lines[3..<5]), "\(outcome)")
    #expect(lines[6] == "sharedmore")
    #expect(lines[7].hasPrefix("9001") && lines[7].hasSuffix("new"), "\(outcome)")
  }

  @Test func `of an image behind it, all lies over the squashfs, as on the stock kernel`()
    async throws
  {
    var later = GuestTree(init: nil)
    later.file("usr/changed", "later")
    later.directory("usr/opened", mode: 0o777)
    later.file("usr/opened/new", "new")
    later.file("usr/was-link", "file")
    later.file("usr/was-empty", "file")
    later.file("usr/full", "stays a directory")
    for name in ["usr/linked", "usr/opened/linked"] {
      later.add(
        Entry(
          name: Array(name.utf8), mode: 0o100644, linkCount: 2, modificationTime: 5, inode: 77),
        name == "usr/linked" ? [] : Array("linked".utf8))
    }
    var boot = try boot(SquashedDirectories("usr", "opt/vendor"))
    boot.tree.directory("usr")
    for name in ["changed", "kept"] { boot.tree.file("usr/\(name)", "first") }
    for name in ["opened", "was-empty", "full"] { boot.tree.directory("usr/\(name)", mode: 0o700) }
    for name in ["opened/old", "full/file"] { boot.tree.file("usr/\(name)", "old") }
    boot.tree.link("usr/was-link", to: "kept")
    for name in ["opt", "opt/vendor"] { boot.tree.directory(name) }
    boot.tree.file("opt/vendor/file", "vendor")
    boot.images = [try later.image]
    let outcome = try await boot.run("/census /")

    try expectSame(outcome, as: try await stock(boot))
    #expect(outcome.census.entries["./usr/opened/new"] != nil)
    #expect(outcome.logs("mounted usr, opt/vendor: "), "\(outcome)")
  }

  @Test func `of an image before it, what the squashfs does not have stays`() async throws {
    var earlier = GuestTree(init: nil)
    earlier.directory("usr", mode: 0o700)
    for name in ["changed", "early"] { earlier.file("usr/\(name)", "early") }
    earlier.directory("usr/shared", mode: 0o700)
    earlier.setModificationTime(of: "usr/shared", 1234)
    earlier.file("usr/shared/early", "early")
    earlier.link("usr/link", to: "early")
    earlier.directory("usr/full")
    earlier.file("usr/full/early", "early")
    var boot = try boot(SquashedDirectories("usr"))
    for name in ["usr", "usr/shared"] { boot.tree.directory(name) }
    for name in ["changed", "late", "shared/late", "link", "full"] {
      boot.tree.file("usr/\(name)", "late")
    }
    boot.front = [try earlier.image]
    boot.append = [KernelParameters.program]
    let outcome = try await boot.run("/census /")
    boot.append = []

    try expectSame(outcome, as: try await stock(boot))
    #expect(outcome.census.entries["./usr/early"] != nil, "\(outcome)")
    #expect(outcome.census.entries["./usr/full/early"] != nil, "\(outcome)")
  }

  @Test(.enabled(if: Privilege.mayRun, "sets capabilities: needs root"))
  func `xattrs and capabilities are there, also of what lies over the squashfs`() async throws {
    let directory = try TemporaryDirectory()
    let capability = "0x0100000200200000000000000000000000000000"
    try directory.shell(
      """
      mkdir -p usr/bin && echo x > usr/bin/ping && touch -d @1234 usr/bin usr
      setfattr -n security.capability -v \(capability) usr/bin/ping
      setfattr -n trusted.name -v value usr/bin
      """)
    var squashed = SquashedDirectories("usr")
    squashed.tar = try directory.shell("tar --xattrs --xattrs-include='*' -cf - usr")
    squashed.over = ["usr/bin/acl"]
    var boot = try boot(squashed)
    for name in ["usr", "usr/bin"] {
      boot.tree.directory(name)
      boot.tree.setModificationTime(of: name, 1234)
    }
    boot.tree.file("usr/bin/acl", "x")
    let access =
      "0x0200000001000600ffffffff02000400e803000004000400ffffffff10000400ffffffff20000400ffffffff"
    boot.packed?.extras["usr/bin/acl"] = PackedImage.Extra(
      xattrs: ["system.posix_acl_access=\(access)"], time: -5)
    let outcome = try await boot.run("/census /")

    try outcome.expectLeaf()
    let entries = outcome.census.entries
    let ping = try #require(entries["./usr/bin/ping"], "\(outcome)")
    #expect(ping.xattrs.contains { $0.hasPrefix("security.capability=%01") }, "\(outcome)")
    #expect(entries["./usr/bin"]?.xattrs.contains("trusted.name=value") == true, "\(outcome)")
    #expect(entries["./usr/bin"]?.time == "1234", "\(outcome)")
    let acl = try #require(entries["./usr/bin/acl"], "\(outcome)")
    #expect(acl.xattrs.contains { $0.hasPrefix("system.posix_acl_access=") }, "\(outcome)")
    #expect(acl.time == "\(UInt64(bitPattern: -5))", "\(outcome)")
  }

  @Test(
    .enabled(if: Privilege.mayRun, "sets trusted attributes: needs root"),
    arguments: StockKernel.squashSample)
  func `user attributes are there, but a copy loses them where a tmpfs has none`(
    kernel: StockKernel
  ) async throws {
    let directory = try TemporaryDirectory()
    try directory.shell(
      """
      mkdir -p usr/directory && touch usr/directory/file
      setfattr -n trusted.name -v kept usr/directory usr/directory/file
      setfattr -n user.name -v lost usr/directory usr/directory/file
      touch -d @1234 usr/directory usr
      """)
    var squashed = SquashedDirectories(["usr"], on: kernel.name)
    squashed.tar = try directory.shell("tar --xattrs --xattrs-include='*' -cf - usr")
    var boot = try boot(squashed, on: kernel.name)
    for name in ["usr", "usr/directory"] {
      boot.tree.directory(name)
      boot.tree.setModificationTime(of: name, 1234)
    }
    let outcome = try await boot.run(
      "/census /usr; echo @changed; busybox touch /usr/directory/file; /census /usr")

    try outcome.expectLeaf()
    let both = ["trusted.name=kept", "user.name=lost"]
    let copied = kernel.hasUserAttributes ? both : Array(both.prefix(1))
    let parts = outcome.output.split(separator: "@changed")
    try #require(parts.count == 2, "\(outcome)")
    for (part, expected) in zip(parts, [both, copied]) {
      let entries = Census(part.split(separator: "\n")).entries
      for name in ["./directory", "./directory/file"] {
        #expect(entries[name]?.xattrs == expected, "\(outcome)")
      }
    }
  }

  @Test func `programs, pivot_root and more overlays work on it`() async throws {
    var boot = try boot(SquashedDirectories("bin"))
    for name in ["mnt", "proc"] { boot.tree.directory(name) }
    let outcome = try await boot.run(
      """
      busybox mount -t proc proc /proc
      busybox mount -t tmpfs tmpfs /mnt
      busybox mkdir /mnt/upper /mnt/work /mnt/merged
      busybox mount -t overlay -o lowerdir=/bin,upperdir=/mnt/upper,workdir=/mnt/work \\
        overlay /mnt/merged && busybox ls /mnt/merged
      busybox cat /proc/mounts
      """)

    try outcome.expectLeaf()
    #expect(outcome.output.hasPrefix("busybox  sh\n"), "\(outcome)")
    // Nothing else is left to be seen.
    let mounts = outcome.output.split(separator: "\n").dropFirst().map { $0.prefix { $0 != " " } }
    #expect(mounts == ["tmpfs", "overlay", "proc", "tmpfs", "overlay"], "\(outcome)")
  }

  @Test(arguments: ["module.sig_enforce=1", "lockdown=integrity", "rootfstype=ramfs"])
  func `it is mounted where the kernel wants signed modules, and where rootfs is a ramfs`(
    word: String
  ) async throws {
    var boot = try boot(SquashedDirectories("usr"))
    boot.append = [word]
    boot.tree.directory("usr")
    boot.tree.file("usr/file", "content")
    let outcome = try await boot.run("busybox cat /usr/file")
    try outcome.expectLeaf()
    #expect(outcome.output == "content", "\(outcome)")
  }

  // MARK: Failures

  private func expectLastWords(_ boot: Boot, _ words: String) async throws {
    let outcome = try await boot.run()
    #expect(outcome.verdict.outcome == .panicked, "\(outcome)")
    #expect(
      outcome.console.text.contains("cannot unpack the payload, the boot stops: \(words)"),
      "\(outcome)")
  }

  private func bootOfUsr() throws -> Boot {
    var boot = try boot(SquashedDirectories("usr"))
    boot.tree.directory("usr")
    boot.tree.file("usr/file", [UInt8](repeating: 7, count: 100_000))
    return boot
  }

  @Test func `without modules for its kernel the boot stops, and the words name those there are`()
    async throws
  {
    let other = try String(
      decoding: bytes(of: Place.release(of: "5.10-x86_64")), as: UTF8.self
    ).filter { $0 != "\n" }
    for (kernels, words) in [
      (["5.10-x86_64"], "the image has modules for \(other). "), ([], "the image has no modules. "),
    ] {
      var boot = try bootOfUsr()
      boot.packed?.squashed?.kernels = kernels
      try await expectLastWords(boot, "fill: squash: this kernel (6.12.")
      let outcome = try await boot.run()
      #expect(
        outcome.console.text.contains(") has no loop, no squashfs, no overlay; \(words)"),
        "\(outcome)")
    }
  }

  @Test func `a module that the kernel refuses is named`() async throws {
    var boot = try bootOfUsr()
    boot.packed?.squashed?.damageModule = { name, content in
      if name == "squashfs" { content.removeFirst(4) }
    }
    try await expectLastWords(
      boot, "fill: squash: finit_module 01-squashfs.ko: Key was rejected by service")
  }

  @Test func `modules that the image lacks are named`() async throws {
    var boot = try bootOfUsr()
    boot.packed?.squashed?.modules = ["loop", "overlay"]
    try await expectLastWords(boot, "fill: squash: this kernel (6.12.")
  }

  @Test func `a damaged squashfs stops the boot`() async throws {
    var boot = try bootOfUsr()
    boot.packed?.squashed?.damage = { $0[0] ^= 1 }
    try await expectLastWords(boot, "fill: squash: mount squashfs: Invalid argument")
    boot.packed?.squashed?.damage = { $0.removeLast(4096) }
    try await expectLastWords(boot, "fill: squash: mount squashfs: ")
  }

  @Test func `two squashfs for one directory stop the boot`() async throws {
    var boot = try bootOfUsr()
    var second = packed(SquashedDirectories("usr"))
    second.id = "fedcba9876543210"
    boot.images = [try Segment(second.records(of: boot.tree.records)).bytes]
    try await expectLastWords(
      boot, "fill: squash: usr is squashed in two packed images")
  }

  @Test func `two squashfs for two directories are both mounted`() async throws {
    var boot = try bootOfUsr()
    var second = packed(SquashedDirectories("opt"))
    second.id = "fedcba9876543210"
    var later = GuestTree(init: nil)
    later.directory("opt")
    later.file("opt/file", "opt")
    later.file("usr/later", "later")
    boot.images = [try Segment(second.records(of: later.records)).bytes]
    let outcome = try await boot.run("/census /")
    boot.images = [try later.image]

    try expectSame(outcome, as: try await stock(boot))
    #expect(outcome.logs("mounted usr: ") && outcome.logs("mounted opt: "), "\(outcome)")
  }

  @Test func `a hard link of an image behind it across the border stops the boot`() async throws {
    var later = GuestTree(init: nil)
    for name in ["usr/linked", "etc/linked"] {
      later.add(
        Entry(name: Array(name.utf8), mode: 0o100644, linkCount: 2, inode: 77), [1])
    }
    var boot = try bootOfUsr()
    boot.images = [try later.image]
    try await expectLastWords(boot, "fill: link usr: ")
  }
}
