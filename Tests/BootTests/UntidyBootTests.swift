// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import Testing

@testable import BootHarness

/// Boots that are not as tidy as they should be: words in any order, programs that ran before PID 1
/// and what they left.
@Suite struct UntidyBootTests {
  /// The kernel clears the arguments before `rdinit=` and `init=`.
  @Test(arguments: [
    ["nonroot_initramfs", "rdinit=/leafroot"],
    ["rdinit=/leafroot", "nonroot_initramfs", "init=/nix/store/init"],
    ["nonroot_initramfs", "x=\"a b\"", "rdinit=/leafroot", "--", "single"],
  ])
  func `the order of words does not matter`(words: [String]) async throws {
    var boot = try started()
    boot.append = ["leafroot_init=/.leafroot-boot/init"] + words
    let outcome = try await boot.run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
  }

  @Test func `words behind -- are the init's`() async throws {
    var boot = try started()
    boot.tree.script(
      "given",
      """
      echo "arguments: $*"
      exec /.leafroot-boot/init
      """)
    boot.append = [
      "leafroot_init=/given", "rdinit=/leafroot", "--", "nonroot_initramfs", "leafroot_init=/x",
    ]
    let outcome = try await boot.run()

    #expect(outcome.check?.isLeaf == false, "\(outcome)")
    #expect(
      outcome.console.lines.contains("arguments: nonroot_initramfs leafroot_init=/x"), "\(outcome)")
  }

  @Test func `without descriptors 0 to 2, PID 1 gives the real init all three`() async throws {
    let boot = try Boot.prepared("exec /leafroot nonroot_initramfs <&- >&- 2>&-")
    let outcome = try await boot.run(Promise.console)

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    outcome.expectConsole()
  }

  /// As with a /dev/console that is a file, which `docker export` leaves.
  @Test func `descriptors 0 to 2 on a file of the tree do not keep rootfs open`() async throws {
    let boot = try Boot.prepared(
      "echo x >/file; exec /leafroot nonroot_initramfs </file >>/file 2>&1")
    let outcome = try await boot.run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.check?.below?.sealed == true, "\(outcome)")
  }

  /// What ran before PID 1, what the log says of it, and what must still be there.
  struct Mounted: CustomTestStringConvertible, Sendable {
    let script: String
    let reason: String
    let kept: String

    var testDescription: String { reason }
  }

  @Test(arguments: [
    Mounted(
      script: "busybox mkdir -p /mnt/r; busybox mount --bind / /mnt/r",
      reason: "/mnt/r is a mount of rootfs", kept: "/mnt/r/bin/busybox"),
    Mounted(
      script: """
        busybox mkdir /run; busybox mount -t tmpfs run /run
        busybox mkdir /run/bin; busybox mount --bind /bin /run/bin
        """,
      reason: "/run/bin is a mount of rootfs", kept: "/run/bin/busybox"),
    Mounted(
      script: """
        busybox insmod /overlay.ko
        busybox mkdir /lower /upper /merged; echo kept > /lower/file
        busybox mount -t tmpfs upper /upper; busybox mkdir /upper/u /upper/w
        busybox mount -t overlay -o lowerdir=/lower,upperdir=/upper/u,workdir=/upper/w o /merged
        """,
      reason: "/merged is an overlay, and may rest on the tree", kept: "/merged/file"),
    Mounted(
      script: """
        busybox insmod /loop.ko
        busybox mknod /dev/loop0 b 7 0
        busybox truncate -s 2M /disk
        busybox losetup /dev/loop0 /disk; busybox mke2fs /dev/loop0
        busybox mkdir -p /mnt/disk; busybox mount -t ext4 /dev/loop0 /mnt/disk
        echo kept >/mnt/disk/file
        """,
      reason: "/mnt/disk is mounted from a loop device, whose file may be a part of the tree",
      kept: "/mnt/disk/file"),
    Mounted(
      script: "busybox mount --make-shared /", reason: "the mount of / is shared",
      kept: "/bin/busybox"),
  ])
  func `a mount that rests on the tree keeps it in rootfs`(mounted: Mounted) async throws {
    var boot = try Boot.prepared("\(mounted.script)\nexec /leafroot nonroot_initramfs")
    for module in ["overlay", "loop"] {
      boot.tree.file("\(module).ko", try bytes(of: Place.module(module, of: boot.kernel)))
    }
    let outcome = try await boot.run("[ -s \(mounted.kept) ] && echo kept; echo /*")

    #expect(outcome.check?.isLeaf == false, "\(outcome)")
    let line = "Failed to create a non-root filesystem for initramfs: guard: \(mounted.reason)"
    #expect(outcome.verdict.logged.contains(line), "\(outcome)")
    #expect(outcome.output.contains("kept"), "\(outcome)")
    #expect(!outcome.output.contains("/.leaf "), "\(outcome)")
  }

  @Test func `check sees that rootfs is mounted elsewhere, too`() async throws {
    // A leaf by hand, as some images make it: rootfs stays within reach.
    let boot = try Boot.prepared(
      """
      busybox mkdir /.by-hand
      busybox mount -t tmpfs leaf /.by-hand
      busybox cp -a /bin /dev /.leafroot-boot /.by-hand
      busybox mkdir -p /.by-hand/mnt/r
      busybox mount --bind / /.by-hand/mnt/r
      cd /.by-hand
      busybox mount --move . /
      exec busybox chroot . /.leafroot-boot/init
      """)
    let outcome = try await boot.run()

    let check = try #require(outcome.check, "\(outcome)")
    #expect(check.isLeaf)
    #expect(check.below?.mounts == 1, "\(outcome)")
    #expect(!check.asPromised)
  }

  @Test func `a trap in PID 1 ends in last words`() async throws {
    // While PID 1 waits for the other process to end, that one sends it the signal of a trap.
    let boot = try Boot.prepared(
      """
      busybox sh -c 'busybox sleep 1; kill -ILL 1; busybox sleep 60' &
      exec /leafroot nonroot_initramfs
      """)
    let outcome = try await boot.run()

    #expect(outcome.verdict.outcome == .panicked, "\(outcome)")
    #expect(outcome.logs("a fault in leafroot itself, the boot stops"), "\(outcome)")
  }

  @Test func `a half-unpacked image boots where leafroot_partial=ok allows it`() async throws {
    var boot = Boot(images: [Boot.damagedImage])
    boot.append = ["leafroot_partial=ok"]
    let outcome = try await boot.run("busybox env")

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.verdict.isHalfUnpacked, "\(outcome)")
    #expect(
      outcome.logs("the image is half unpacked, the boot continues (leafroot_partial=ok)"),
      "\(outcome)")
    #expect(!outcome.output.contains("leafroot_partial"), "\(outcome)")
  }

  @Test func `a complaint in the log that the kernel did not write stops nothing`() async throws {
    let boot = try Boot.prepared(
      """
      busybox mknod /dev/kmsg c 1 11
      echo '<2>Initramfs unpacking failed: so they say' > /dev/kmsg
      exec /leafroot nonroot_initramfs
      """)
    let outcome = try await boot.run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
  }

  @Test func `a log that has lost its beginning is no proof, and says so`() async throws {
    let boot = try Boot.prepared(
      """
      busybox mknod /dev/kmsg c 1 11
      line=$(busybox printf '%0900d' 0)
      n=0
      while [ $n -lt 1500 ]; do echo "$line" > /dev/kmsg; n=$((n + 1)); done
      exec /leafroot nonroot_initramfs
      """)
    let outcome = try await boot.run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(
      outcome.logs("the kernel's log has lost its first lines: cannot tell whether the image"),
      "\(outcome)")
  }

  @Test func `with SELinux on, and no policy loaded yet, the tree moves as ever`() async throws {
    var boot = Boot(append: ["security=selinux", "selinux=1"])
    boot.tree = NastyTree.tree()
    let script = """
      busybox mount -t sysfs sys /sys
      busybox ls -d /sys/fs/selinux
      busybox umount /sys
      \(NastyTree.census)
      """
    let (leaf, stock) = try await boot.runAndStock(script)

    #expect(leaf.verdict.outcome == .asPromised, "\(leaf)")
    #expect(leaf.output.contains("/sys/fs/selinux\n"), "\(leaf)")
    NastyTree.expectSame(leaf, as: stock)
  }

  /// A boot whose words must start our PID 1.
  private func started() throws -> Boot {
    var boot = Boot(hasLeaf: false)
    try boot.tree.addProgram("leafroot")
    return boot
  }
}
