// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import OddImages
import Testing

@testable import BootHarness

/// The promise, point by point, where the kernel makes the leaf. User-mode Linux boots in a moment;
/// what is special to a machine is in KernelProofTests.
@Suite struct UserModeTests {
  @Test func `1 to 3: / is a leaf, pivot_root works, rootfs is empty and sealed`() async throws {
    try await Boot.userMode().run().expectLeaf()
  }

  @Test(arguments: [[], ["nonroot_initramfs=1"], ["nonroot_initramfs="]])
  func `1 to 3, twin: without the word, or with a value, pivot_root gives EINVAL`(words: [String])
    async throws
  {
    let outcome = try await Boot.userMode(append: ["rootfstype=tmpfs"] + words).run()

    try outcome.expectRootfs()
    #expect(outcome.verdict.logged.isEmpty)
  }

  @Test func `a value does not take the word back`() async throws {
    var boot = Boot.userMode()
    boot.append.append("nonroot_initramfs=0")
    let outcome = try await boot.run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
  }

  @Test func `4: the tree is what is unpacked without the word, in all encodings`() async throws {
    var boot = Boot.userMode()
    boot.tree = NastyTree.tree()
    for compressor in Compressor.allCases {
      var tree = GuestTree.bare
      tree.file("of-\(compressor)", "in an image of its own")
      boot.images.append(try compressor.compress(tree.image))
    }
    let leaf = try await boot.run(NastyTree.census)
    boot.append = ["rootfstype=tmpfs"]
    let stock = try await boot.run(NastyTree.census)

    #expect(leaf.verdict.outcome == .asPromised, "\(leaf)")
    #expect(stock.check?.isLeaf == false, "\(stock)")
    for compressor in Compressor.allCases {
      #expect(NastyTree.entries(stock).contains { $0.contains("./of-\(compressor) ") })
    }
    NastyTree.expectSame(leaf, as: stock)
  }

  @Test func `4: nothing of ours is in the tree, nor in the arguments and the environment`()
    async throws
  {
    // rdinit= takes away the arguments before it.
    var boot = Boot.userMode(append: [
      "rootfstype=tmpfs", "rdinit=/given", "nonroot_initramfs", "one", "nonroot_initramfs=value",
    ])
    boot.tree.script("given", Promise.given)
    let outcome = try await boot.run()

    try outcome.expectGiven("one", environment: "nonroot_initramfs=value")
  }

  @Test func `the built-in archive lands in the leaf as well`() async throws {
    // The kernel's own: /dev/console and /root, which no image of ours has. usr/default_cpio_list
    let outcome = try await Boot.userMode().run("busybox stat -c '%n %F %a' /root /dev/console")

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.output.contains("/root directory 700"), "\(outcome)")
    #expect(outcome.output.contains("/dev/console character special file 600"), "\(outcome)")
  }

  @Test func `5: the tree is in memory once, the image not at all`() async throws {
    var boot = Boot.userMode()
    boot.tree.file("data", [UInt8](repeating: 0x5a, count: 40 << 20))
    let leaf = try await boot.run(GuestMemory.script)
    boot.append = ["rootfstype=tmpfs"]
    let stock = try await boot.run(GuestMemory.script)
    boot.append = ["rootfstype=tmpfs", "nonroot_initramfs", "retain_initrd"]
    let kept = try await boot.run(GuestMemory.script)

    // A second copy would be in here.
    let (ours, theirs) = (try #require(GuestMemory(leaf)), try #require(GuestMemory(stock)))
    #expect(ours.shared > 40 << 10 && abs(ours.shared - theirs.shared) < 64, "\(leaf)")
    #expect(ours.other < 4096 && abs(ours.other - theirs.other) < 512, "\(leaf)\n\(stock)")
    // The image has been given back, in full.
    #expect(ours.freed > 40 << 10 && ours.freed == theirs.freed, "\(leaf)")
    #expect(GuestMemory(kept)?.freed == 0, "\(kept)")
  }

  @Test func `6: usermode helpers, modprobe and core_pattern, see the leaf`() async throws {
    var boot = Boot.userMode()
    boot.tree.script("sbin/modprobe", "echo $* > /tmp/modprobe")
    boot.tree.script("sbin/core", "/bin/busybox cat > /tmp/core")
    let outcome = try await boot.run(Self.helpers)

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.output.contains("modprobe: -q -- fs-nosuchfs"), "\(outcome)")
    #expect(outcome.output.contains("core: written"), "\(outcome)")
  }

  @Test func `6, twin: without the helpers in the tree neither happens`() async throws {
    let outcome = try await Boot.userMode().run(Self.helpers)

    #expect(!outcome.output.contains("modprobe: -q"), "\(outcome)")
    #expect(outcome.output.contains("core: missing"), "\(outcome)")
  }

  private static let helpers = """
    busybox mount -t proc proc /proc
    busybox mkdir /misc
    busybox mount -t nosuchfs none /misc
    echo "modprobe: $(busybox cat /tmp/modprobe)"
    \(Promise.core)
    """

  @Test func `7: the real init's standard descriptors are the leaf's console`() async throws {
    try await Boot.userMode().run(Promise.console).expectConsole()
  }

  @Test func `initramfs_options= are the leaf's mount options`() async throws {
    try await Boot.userMode().expectMountOptions()
  }

  @Test func `initramfs_options= that tmpfs does not know: a warning, and the boot goes on`()
    async throws
  {
    var boot = Boot.userMode()
    // A ramfs ignores them.
    boot.append = ["rootfstype=ramfs", "nonroot_initramfs", "initramfs_options=none=such"]
    let outcome = try await boot.run(Promise.mounts)

    #expect(outcome.check?.isLeaf == false, "\(outcome)")
    #expect(
      outcome.verdict.logged == [
        "Failed to create a non-root filesystem for initramfs: mount: -EINVAL"
      ], "\(outcome)")
  }

  @Test(arguments: KernelCall.all)
  func `a step that fails: one warning, and the boot goes on in rootfs as it was`(
    call: KernelCall
  ) async throws {
    let outcome = try await call.boot.run(
      """
      busybox mount -t proc proc /proc
      echo "mounts: $(busybox grep -c . /proc/mounts)"
      echo "options: $(busybox sed -n 's/.* - rootfs //p' /proc/self/mountinfo)"
      echo "files:" /* /.[!.]*
      echo written > /file && busybox cat /file
      """)

    let check = try #require(outcome.check, "\(outcome)")
    #expect(check.mountId == check.parentId, "\(outcome)")
    #expect(check.type == "rootfs")
    #expect(check.options == "rw")
    let line = "Failed to create a non-root filesystem for initramfs: \(call.step): -\(call.name)"
    #expect(outcome.verdict.logged == [line], "\(outcome)")
    #expect(outcome.output.contains("mounts: 2\n"), "\(outcome)")
    #expect(outcome.output.contains("written"), "\(outcome)")
    #expect(!outcome.output.contains("/.leaf "), "\(outcome)")
  }

  @Test func `a step that fails, twin: where none does, that kernel makes the leaf`() async throws {
    let outcome = try await Boot.userMode("linux-um-6.12-faulty").run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
  }

  @Test func `LeafRoot's PID 1 finds the kernel's leaf, and does nothing`() async throws {
    var boot = Boot.userMode()
    try boot.tree.addProgram("leafroot")
    boot.append += ["rdinit=/leafroot", "leafroot_init=/.leafroot-boot/init"]
    let outcome = try await boot.run("echo files: /*")

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(
      outcome.verdict.logged == ["leafroot: the root is already a leaf, nothing to do"],
      "\(outcome)")
    #expect(outcome.output.contains("/leafroot"), "\(outcome)")
  }

  @Test func `LeafRoot's PID 1, twin: where the kernel could not make the leaf, it does`()
    async throws
  {
    var boot = KernelCall.all[0].boot
    try boot.tree.addProgram("leafroot")
    boot.append += ["rdinit=/leafroot", "leafroot_init=/.leafroot-boot/init"]
    let outcome = try await boot.run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(
      outcome.logs("Failed to create a non-root filesystem for initramfs: mount: -ENOMEM"),
      "\(outcome)")
    #expect(outcome.logs("ms; the root is a leaf"), "\(outcome)")
  }
}
