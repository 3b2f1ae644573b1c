// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import OddImages
import Packing
import TestSupport
import Testing

@testable import BootHarness

/// The promise, point by point, where the kernel makes the leaf. User-mode Linux boots in a moment;
/// what is special to a machine is in KernelProofTests.
@Suite struct UserModeTests {
  @Test func `1 to 3: / is a leaf, pivot_root works, rootfs is empty and sealed`() async throws {
    let outcome = try await Boot.userMode().run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    let check = try #require(outcome.check, "\(outcome)")
    #expect(check.mountId != check.parentId)
    #expect(check.type == "tmpfs")
    #expect(check.pivotRoot == "ok")
    #expect(check.below?.entries == 0)
    #expect(check.below?.sealed == true)
  }

  @Test(arguments: [[], ["nonroot_initramfs=1"], ["nonroot_initramfs="]])
  func `1 to 3, twin: without the word, or with a value, pivot_root gives EINVAL`(words: [String])
    async throws
  {
    var boot = Boot.userMode()
    boot.append = ["rootfstype=tmpfs"] + words
    let outcome = try await boot.run()

    #expect(outcome.verdict.outcome == .notAsPromised, "\(outcome)")
    let check = try #require(outcome.check, "\(outcome)")
    #expect(check.mountId == check.parentId)
    #expect(check.pivotRoot == "EINVAL")
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
    var boot = Boot.userMode()
    boot.tree.script(
      "given",
      """
      echo "arguments: $*."
      busybox env | busybox sed 's/^/environment: /'
      exec /.leafroot-boot/init
      """)
    // rdinit= takes away the arguments before it.
    boot.append = ["rootfstype=tmpfs", "rdinit=/given", "nonroot_initramfs", "one"]
    boot.append.append("nonroot_initramfs=value")
    let outcome = try await boot.run("echo files: /* /.[!.]*")

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.console.lines.contains("arguments: one."), "\(outcome)")
    #expect(outcome.console.lines.contains("environment: nonroot_initramfs=value"), "\(outcome)")
    #expect(outcome.output.contains("files: /"))
    #expect(!outcome.output.contains("/.leaf "))
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
    let leaf = try await boot.run(Memory.script)
    boot.append = ["rootfstype=tmpfs"]
    let stock = try await boot.run(Memory.script)
    boot.append = ["rootfstype=tmpfs", "nonroot_initramfs", "retain_initrd"]
    let kept = try await boot.run(Memory.script)

    // A second copy would be in here.
    let (ours, theirs) = (try #require(Memory(leaf)), try #require(Memory(stock)))
    #expect(ours.shared > 40 << 10 && abs(ours.shared - theirs.shared) < 64, "\(leaf)")
    #expect(ours.other < 4096 && abs(ours.other - theirs.other) < 512, "\(leaf)\n\(stock)")
    // The image has been given back, in full.
    #expect(ours.freed > 40 << 10 && ours.freed == theirs.freed, "\(leaf)")
    #expect(Memory(kept)?.freed == 0, "\(kept)")
  }

  /// What a guest's memory holds, in kB.
  private struct Memory {
    /// tmpfs.
    let shared: Int
    /// What is neither free nor tmpfs nor slab. Free pages wait in lists of each processor, too.
    let other: Int
    /// Of the image, as the kernel says.
    let freed: Int

    init?(_ outcome: Outcome) {
      var values: [Substring: Int] = [:]
      for line in outcome.output.split(separator: "\n") {
        let words = line.split(whereSeparator: { $0 == " " || $0 == ":" })
        if words.count >= 2, let value = Int(words[1]) { values[words[0]] = value }
      }
      guard let total = values["MemTotal"], let free = values["MemFree"],
        let shared = values["Shmem"], let slab = values["Slab"], let waiting = values["count"]
      else { return nil }
      self.shared = shared
      other = total - free - shared - slab - 4 * waiting
      freed = values["freed"] ?? 0
    }

    static let script = """
      busybox mount -t proc proc /proc
      echo 3 > /proc/sys/vm/drop_caches
      # By one program: a second one would move pages between the two.
      busybox cat /proc/meminfo /proc/zoneinfo > /memory
      busybox grep -E '^(MemTotal|MemFree|Shmem|Slab):|count:' /memory
      busybox dmesg | busybox sed -n 's/.*Freeing initrd memory: \\([0-9]*\\)K.*/freed \\1/p'
      """
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
    echo '|/sbin/core' > /proc/sys/kernel/core_pattern
    ulimit -c unlimited
    busybox sh -c 'kill -SEGV $$'
    busybox sleep 1
    [ -s /tmp/core ] && echo "core: written" || echo "core: missing"
    """

  @Test func `7: the real init's standard descriptors are the leaf's console`() async throws {
    let outcome = try await Boot.userMode().run(
      """
      busybox mount -t proc proc /proc
      for n in 0 1 2; do echo "fd $n: $(busybox readlink /proc/1/fd/$n)"; done
      """)

    for number in 0...2 {
      #expect(outcome.output.contains("fd \(number): /dev/console"), "\(outcome)")
    }
    #expect(!outcome.output.contains("deleted"))
  }

  @Test func `initramfs_options= are the leaf's mount options`() async throws {
    var boot = Boot.userMode()
    boot.append.append("initramfs_options=size=77m,nr_inodes=5000")
    let outcome = try await boot.run(Self.mounts)

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.output.contains("size=78848k,nr_inodes=5000"), "\(outcome)")
  }

  @Test func `initramfs_options= that tmpfs does not know: a warning, and the boot goes on`()
    async throws
  {
    var boot = Boot.userMode()
    // A ramfs ignores them.
    boot.append = ["rootfstype=ramfs", "nonroot_initramfs", "initramfs_options=none=such"]
    let outcome = try await boot.run(Self.mounts)

    #expect(outcome.check?.isLeaf == false, "\(outcome)")
    #expect(
      outcome.verdict.logged == [
        "Failed to create a non-root filesystem for initramfs: mount: -EINVAL"
      ], "\(outcome)")
  }

  private static let mounts = "busybox mount -t proc proc /proc; busybox grep ' / ' /proc/mounts"

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
