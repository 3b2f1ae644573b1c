// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import Testing

@testable import BootHarness

/// Packed images in which another program runs before PID 1, from an image behind: what it mounts,
/// and starts, is there while PID 1 unpacks.
@Suite(.serialized) struct PreparedPackedProofTests {
  @Test func `without descriptors 0 to 2, PID 1 gives the real init all three`() async throws {
    for word in ["nonroot_initramfs", ""] {
      let outcome = try await boot("exec /leafroot \(word) <&- >&- 2>&-", then: Promise.console)

      #expect(outcome.check?.isLeaf == true, "\(outcome)")
      #expect(outcome.logs("unpacked "), "\(outcome)")
      outcome.expectConsole()
    }
  }

  @Test(
    arguments: [
      """
      busybox mount -t tmpfs -o mode=0750 run /run
      echo kept > /run/file; busybox mount -t proc proc /proc
      """,
      // Over directories of the payload.
      """
      busybox mount -t tmpfs etc /etc; echo kept > /etc/file
      busybox mount -t tmpfs modes /modes
      """,
    ], ["nonroot_initramfs", ""])
  func `what is mounted stays mounted, and the tree comes below it`(
    mounting: String, word: String
  ) async throws {
    // First with the mounts, then what they cover.
    let script = """
      echo mounts: $(busybox mount -t proc proc /tmp; busybox awk '{ print $5 }' /tmp/self/mountinfo |
        busybox sort -u)
      busybox umount /tmp; echo kept: $(busybox cat /run/file /etc/file)
      for name in etc modes run proc; do busybox umount /$name; done
      \(NastyTree.census)
      """
    let first = "\(mounting)\nexec /leafroot \(word)"
    let ours = try await boot(first, then: script)
    let stock = try await boot(first, then: script, isStock: true)

    #expect(ours.check?.isLeaf == true, "\(ours)")
    #expect(ours.logs("unpacked "), "\(ours)")
    for line in ["mounts:", "kept:"] {
      #expect(Self.line(line, ours) == Self.line(line, stock), "\(ours)\n\(stock)")
      #expect(Self.line(line, stock) != nil)
    }
    NastyTree.expectSame(ours, as: stock)
  }

  @Test(
    arguments: [
      ("busybox mount --make-shared /", "the mount of / is shared"),
      ("busybox mount --bind / /mnt/r", "/mnt/r is a mount of rootfs"),
      (
        """
        busybox mount -t tmpfs run /run
        busybox mkdir /run/modes; busybox mount --bind /modes /run/modes
        """, "/run/modes is a mount of rootfs"
      ),
    ], ["nonroot_initramfs", ""])
  func `a mount that rests on the tree stops the boot, and nothing is unpacked`(
    mounted: (script: String, reason: String), word: String
  ) async throws {
    let outcome = try await boot("\(mounted.script)\nexec /leafroot \(word)", then: "true")

    #expect(outcome.verdict.outcome == .panicked, "\(outcome)")
    #expect(
      outcome.logs("cannot unpack the payload, the boot stops: guard: \(mounted.reason)"),
      "\(outcome)")
    #expect(!outcome.logs("leafroot: unpacked "), "\(outcome)")
  }

  private static func line(_ start: String, _ outcome: Outcome) -> Substring? {
    outcome.output.split(separator: "\n").first { $0.hasPrefix(start) }
  }

  /// Boots a nasty tree, with what runs first behind it, and runs `command` in the end.
  private func boot(
    _ script: String, then command: String, isStock: Bool = false
  ) async throws -> Outcome {
    var behind = GuestTree(init: nil)
    for name in ["run", "mnt", "mnt/r"] { behind.directory(name) }
    behind.script("prepare", script)
    behind.script(
      "prepare-stock",
      script.replacing(#/exec /leafroot.*/#, with: "exec /.leafroot-boot/init"))
    var boot = Boot(hasLeaf: false, append: ["rdinit=/prepare\(isStock ? "-stock" : "")"])
    boot.tree = NastyTree.tree()
    if !isStock { boot.packed = PackedImage() }
    boot.images = [try behind.image]
    return try await boot.run(command)
  }
}
