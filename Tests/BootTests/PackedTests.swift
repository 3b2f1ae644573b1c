// SPDX-License-Identifier: MIT

import Encoders
import Fidelity
import Machines
import Newc
import OddImages
import Packing
import Testing

@testable import BootHarness

/// Packed images: PID 1 unpacks the tree.
@Suite struct PackedTests {
  @Test(arguments: StockKernel.rootfsSample)
  func `a nasty tree in parallel members is what the stock kernel unpacks`(kernel: StockKernel)
    async throws
  {
    try await Boot(kernel: kernel.name, packed: PackedImage(), cpus: 2).expectNastyTree()
  }

  @Test(arguments: [PackedImage(parts: 0), PackedImage(compressors: []), PackedImage(parts: 1)])
  func `so is one in a single file, and one that is not compressed`(image: PackedImage) async throws
  {
    try await Boot(packed: image).expectNastyTree()
  }

  @Test(arguments: ["6.12-x86_64", "7.3-x86_64"])
  func `without the word, and on a leaf of the kernel, the tree is in a leaf all the same`(
    kernel: String
  ) async throws {
    let boot = Boot(kernel: kernel, tree: NastyTree.tree(), hasLeaf: false, packed: PackedImage())
    let ours = try await boot.run(NastyTree.census)

    #expect(ours.check?.asPromised == true, "\(ours)")
    NastyTree.expectSame(ours, as: try await NastyTree.stock(kernel))
  }

  @Test(arguments: [Encoding.none, .zstd(level: 22), .lz4(level: 9)])
  func `what leafroot pack makes is what the stock kernel unpacks`(encoding: Encoding) async throws
  {
    var boot = Boot(cpus: 2)
    boot.packer = Packer(encoding, jobs: 2, memberSize: 1 << 20)
    try await boot.expectNastyTree()
  }

  @Test func `every compressor of the kernel is understood, each in a member of one payload`()
    async throws
  {
    let all = Compressor.allCases
    try await Boot(packed: PackedImage(compressors: all, parts: all.count)).expectNastyTree()
  }

  /// A file below a directory that only the payload has, a file of the payload changed, and a
  /// directory of it with other permissions.
  @Test(arguments: [PackedImage(), PackedImage(parts: 0)])
  func `an image behind the packed one has the last word, as on the stock kernel`(
    image: PackedImage
  ) async throws {
    var overlay = GuestTree(init: nil)
    overlay.file("etc/changed", "later")
    overlay.directory("etc/opened", mode: 0o777)
    overlay.file("etc/opened/new", "new")
    overlay.file("etc/was-link", "file")
    overlay.script("init", "exec /.leafroot-boot/init # later")

    var boot = Boot(packed: image)
    boot.tree.file("etc/changed", "first")
    boot.tree.file("etc/kept", "first")
    boot.tree.directory("etc/opened", mode: 0o700)
    boot.tree.file("etc/opened/old", "old")
    boot.tree.link("etc/was-link", to: "kept")
    boot.images = [try overlay.image]
    let (ours, stock) = try await boot.runAndStock(NastyTree.census)

    #expect(ours.verdict.outcome == .asPromised, "\(ours)")
    let (mine, theirs) = (NastyTree.entries(ours), NastyTree.entries(stock))
    #expect(theirs.contains { $0.contains("./etc/opened/new") }, "\(stock)")
    for line in Set(mine).symmetricDifference(theirs) { Issue.record("\(line)") }
  }

  @Test(arguments: [PackedImage(), PackedImage(parts: 0)])
  func `what the kernel has of its own need not be in the image`(image: PackedImage) async throws {
    var boot = Boot(packed: image)
    boot.tree = GuestTree(init: nil)
    boot.tree.remove("dev")
    boot.tree.script("init", "exec /.leafroot-boot/init")
    let outcome = try await boot.run("busybox test -c /dev/null && echo has it")
    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.output.contains("has it"), "\(outcome)")
  }

  @Test func `xattrs come, and times that newc has no room for`() async throws {
    var image = PackedImage()
    image.extras["etc/caps"] = PackedImage.Extra(
      xattrs: [
        "security.capability=0x0100000200200000000000000000000000000000", "trusted.name=0x7661",
      ], time: -1)
    image.extras["etc"] = PackedImage.Extra(xattrs: ["security.selinux=0x6100"], time: -2)
    let outcome = try await bootWithCaps(Boot(packed: image))
    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    let entry = try #require(outcome.census.entries["./etc/caps"], "\(outcome)")
    #expect(entry.time == "\(UInt64(bitPattern: -1))")
    #expect(
      entry.xattrs == [
        "security.capability=%01%00%00%02%00%20" + String(repeating: "%00", count: 14),
        "trusted.name=va",
      ])
    let directory = try #require(outcome.census.entries["./etc"], "\(outcome)")
    #expect(directory.time == "\(UInt64(bitPattern: -2))")
    #expect(directory.xattrs == ["security.selinux=a%00"])
  }

  /// Boots it with a file etc/caps, and takes the census.
  private func bootWithCaps(_ boot: Boot) async throws -> Outcome {
    var boot = boot
    boot.tree.file("etc/caps", "x")
    boot.tree.file("census", try bytes(of: Place.census), mode: 0o755)
    return try await boot.run("/census /")
  }

  @Test func `xattrs, twin: without them in the payload there are none`() async throws {
    let outcome = try await bootWithCaps(Boot(packed: PackedImage()))
    let entry = try #require(outcome.census.entries["./etc/caps"], "\(outcome)")
    #expect(entry.time == "1600000000")
    #expect(entry.xattrs == [])
  }

  @Test func `a damaged member stops the boot, and the words say where and why`() async throws {
    var image = PackedImage(parts: 2)
    image.damage = { $0[2].removeLast(20) }
    let boot = Boot(tree: NastyTree.tree(), packed: image)
    let outcome = try await boot.run()
    #expect(outcome.verdict.outcome == .panicked, "\(outcome)")
    #expect(outcome.console.text.contains("/.leafroot/0123456789abcdef/0002, byte "), "\(outcome)")
    #expect(outcome.console.text.contains("the boot stops"), "\(outcome)")
  }

  @Test func `a payload of which a file is missing stops the boot, and the words name the file`()
    async throws
  {
    var image = PackedImage()
    image.damage = { $0.removeLast() }
    image.about = "members 4\nentries 100\nbytes 10000000\npages 3000 800 300\n"
    let outcome = try await Boot(packed: image).run()
    #expect(outcome.verdict.outcome == .panicked, "\(outcome)")
    #expect(
      outcome.console.text.contains(
        "the boot stops: fill: /.leafroot/0123456789abcdef/0003: missing, the image is cut short"),
      "\(outcome)")
  }

  @Test(arguments: ["", "nonroot_initramfs"])
  func `what is mounted on a directory of the payload stays mounted`(word: String) async throws {
    var later = GuestTree(init: nil)
    later.script("prepare", "busybox mount -t proc proc /proc; exec /leafroot \(word)")
    var boot = Boot(hasLeaf: false, packed: PackedImage())
    boot.append = ["rdinit=/prepare"]
    boot.images = [try later.image]
    let outcome = try await boot.run("busybox head -n 1 /proc/version")
    #expect(outcome.check?.asPromised == true, "\(outcome)")
    #expect(outcome.logs("unpacked "), "\(outcome)")
    #expect(outcome.output.contains("Linux version"), "\(outcome)")
  }

  /// PID 1 sets it to 0 while it unpacks (WatermarkBoost).
  @Test func `the watermark of free memory may rise again`() async throws {
    var boot = Boot(packed: PackedImage())
    boot.tree.directory("proc")
    let outcome = try await boot.run(
      "busybox mount -t proc proc /proc; busybox cat /proc/sys/vm/watermark_boost_factor")

    #expect(outcome.output == "15000\n", "\(outcome)")
  }

  @Test(arguments: [[], [KernelParameters.request]])
  func `the segment of wrap behind a packed image has the same PID 1`(words: [String])
    async throws
  {
    var boot = Boot(hasLeaf: false, packed: PackedImage())
    boot.images = [Segment.leaf(try .built()).bytes]
    boot.append = words
    let outcome = try await boot.run()
    #expect(outcome.check?.asPromised == true, "\(outcome)")
    #expect(outcome.logs("unpacked "), "\(outcome)")
  }

  @Test(arguments: [[], [KernelParameters.request]])
  func `before a packed image the segment of wrap is nothing but replaced`(words: [String])
    async throws
  {
    var boot = Boot(tree: NastyTree.tree(), packed: PackedImage())
    boot.front = [Segment.leaf(try .built()).bytes]
    boot.append = [KernelParameters.program] + words
    let outcome = try await boot.run(NastyTree.census)
    #expect(outcome.logs("unpacked "), "\(outcome)")
    #expect(outcome.check?.asPromised == true, "\(outcome)")
    NastyTree.expectSame(outcome, as: try await NastyTree.stock())
  }

  @Test func `a payload whose description is a link is no missing one: the boot stops`()
    async throws
  {
    let link = Entry(name: Array(".leafroot/0123456789abcdef/about".utf8), mode: 0o120777)
    var boot = Boot(packed: PackedImage(parts: 2))
    boot.images = [try Segment([(link, Array("elsewhere".utf8))]).bytes]
    let outcome = try await boot.run()
    #expect(outcome.verdict.outcome == .panicked, "\(outcome)")
    #expect(
      outcome.console.text.contains("cannot unpack the payload, the boot stops: "), "\(outcome)")
  }

  @Test(arguments: [true, false])
  func `a damaged image stops, with the word or without it, unless that is allowed`(
    hasLeaf: Bool
  ) async throws {
    var image = PackedImage(compressors: [], parts: 0)
    image.damage = { $0[0] += Array("junk".utf8) }
    var boot = Boot(hasLeaf: hasLeaf, packed: image)
    let stopped = try await boot.run("echo runs")
    #expect(stopped.verdict.outcome == .panicked, "\(stopped)")
    boot.append = ["leafroot_partial=ok"]
    let outcome = try await boot.run("echo runs")
    #expect(outcome.output.contains("runs"), "\(outcome)")
    #expect(outcome.logs("Initramfs unpacking failed: "), "\(outcome)")
  }

  @Test func `last words report too little memory before anything is freed`() async throws {
    var image = PackedImage()
    image.about = "members 4\nentries 1000\nbytes 1000000000\npages 250000 63000 16000\n"
    let outcome = try await Boot(packed: image).run()
    #expect(outcome.verdict.outcome == .panicked, "\(outcome)")
    #expect(outcome.console.text.contains("too little memory to unpack the payload"), "\(outcome)")
    #expect(outcome.console.text.contains("more memory"), "\(outcome)")
  }

  @Test func `where the leaf cannot be made, the boot stops, and the words say why`() async throws {
    // A kernel that takes the option for rootfs itself would not unpack the image.
    var boot = Boot(kernel: "5.10-x86_64", packed: PackedImage())
    boot.append = ["initramfs_options=size=1"]
    let outcome = try await boot.run("echo runs")
    #expect(outcome.verdict.outcome == .panicked, "\(outcome)")
    #expect(
      outcome.logs("cannot unpack the payload, the boot stops: fill: the tree needs"), "\(outcome)")
  }

  @Test func `the real init is the one of rdinit, of about, or of the list`() async throws {
    var image = PackedImage()
    image.about = "members 4\nentries 100\nbytes 10000000\npages 3000 800 300\ninit /etc/other\n"
    var boot = Boot(packed: image)
    boot.tree = GuestTree(init: "/etc/other")
    // `leafroot boot` names its own: the last word counts.
    boot.append = ["leafroot_init=/missing"]
    let outcome = try await boot.run("echo runs")
    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    // Nobody has asked for the path that the kernel executed.
    let complaints = outcome.verdict.logged.filter { $0.contains(": No such file") }
    #expect(complaints == ["leafroot: /missing: No such file or directory"], "\(outcome)")
  }

  @Test(arguments: [[KernelParameters.request], []])
  func `/init of the tree is the real init, although PID 1 had this name`(words: [String])
    async throws
  {
    let outcome = try await bootAlone(Self.checkedTree(), later: [], words)
    #expect(outcome.check?.asPromised == true, "\(outcome)")
  }

  @Test(arguments: [[KernelParameters.leaf], [KernelParameters.program]])
  func `/init of an image behind is the real init, if rdinit= starts PID 1`(words: [String])
    async throws
  {
    var tree = try Self.checkedTree()
    tree.script("init", "echo replaced")
    var later = GuestTree(init: nil)
    later.script("init", "echo later; exec /.leafroot-boot/init")
    let outcome = try await bootAlone(tree, later: [later.image], words)
    #expect(outcome.check?.asPromised == true, "\(outcome)")
    #expect(outcome.console.text.contains("later\n"), "\(outcome)")
  }

  /// A tree whose /init is the boot's check, which is in the tree itself.
  private static func checkedTree() throws -> GuestTree {
    var tree = GuestTree()
    tree.directory(".leafroot-boot")
    try tree.addProgram(".leafroot-boot/init")
    return tree
  }

  /// Boots `tree`, packed, and `later` behind it, without what `leafroot boot` adds.
  private func bootAlone(
    _ tree: GuestTree, later: [[UInt8]], _ words: [String]
  ) async throws -> Outcome {
    var boot = Boot(packed: PackedImage())
    (boot.tree, boot.images, boot.append) = (tree, later, words)
    boot.isChecked = false
    return try await boot.run()
  }
}
