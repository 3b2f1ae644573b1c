// SPDX-License-Identifier: MIT

import Fidelity
import Newc
import Packing
import SystemPackage
import TestSupport
import Testing

/// Packed images in which another program runs before PID 1, from an image behind: what it mounts,
/// and starts, is there while PID 1 unpacks.
@Suite(.serialized) struct PreparedPackedProofTests {
  @Test func `without descriptors 0 to 2, PID 1 gives the real init all three`() async throws {
    let script = """
      busybox mount -t proc proc /proc
      for n in 0 1 2; do echo "fd $n: $(busybox readlink /proc/1/fd/$n)"; done
      """
    for word in ["nonroot_initramfs", ""] {
      let outcome = try await boot("exec /leafroot \(word) <&- >&- 2>&-", then: script)

      #expect(outcome.check?.isLeaf == !word.isEmpty, "\(outcome)")
      #expect(outcome.logs("unpacked "), "\(outcome)")
      for number in 0...2 {
        #expect(outcome.output.contains("fd \(number): /dev/console\n"), "\(outcome)")
      }
    }
  }

  /// What runs before PID 1, and what its log says then; nothing of a mount that can move.
  struct Mounted: CustomTestStringConvertible, Sendable {
    let script: String
    var reason: String?

    var testDescription: String { reason ?? script }
  }

  @Test(
    arguments: [
      Mounted(
        script: """
          busybox mount -t tmpfs -o mode=0750 run /run
          echo kept > /run/file; busybox mount -t proc proc /proc
          """),
      // Over directories of the payload.
      Mounted(
        script: """
          busybox mount -t tmpfs etc /etc; echo kept > /etc/file
          busybox mount -t tmpfs modes /modes
          """),
      Mounted(script: "busybox mount --make-shared /", reason: "the mount of / is shared"),
      Mounted(
        script: "busybox mount --bind / /mnt/r",
        reason: "/mnt/r is a mount of rootfs"),
      Mounted(
        script: """
          busybox mount -t tmpfs run /run
          busybox mkdir /run/modes; busybox mount --bind /modes /run/modes
          """,
        reason: "/run/modes is a mount of rootfs"),
    ], [true, false])
  func `what is mounted stays mounted, and the tree comes below it`(
    mounted: Mounted, isAsked: Bool
  ) async throws {
    let word = isAsked ? "nonroot_initramfs" : ""
    // First with the mounts, then what they cover.
    let script = """
      echo mounts: $(busybox mount -t proc proc /tmp; busybox awk '{ print $5 }' /tmp/self/mountinfo |
        busybox sort)
      busybox umount /tmp; echo kept: $(busybox cat /run/file /etc/file)
      for name in etc modes run/modes run mnt/r proc; do busybox umount /$name; done
      \(NastyTree.census)
      """
    let first = "\(mounted.script)\nexec /leafroot \(word)"
    let ours = try await boot(first, then: script)
    let stock = try await boot(first, then: script, isStock: true)

    #expect(ours.check?.isLeaf == (isAsked && mounted.reason == nil), "\(ours)")
    #expect(ours.logs("unpacked "), "\(ours)")
    if isAsked, let reason = mounted.reason {
      #expect(ours.logs("initramfs: guard: \(reason)"), "\(ours)")
    }
    for line in ["mounts:", "kept:"] {
      #expect(Self.line(line, ours) == Self.line(line, stock), "\(ours)\n\(stock)")
      #expect(Self.line(line, stock) != nil)
    }
    NastyTree.expectSame(ours, as: stock)
  }

  private static func line(_ start: String, _ outcome: Outcome) -> Substring? {
    outcome.output.split(separator: "\n").first { $0.hasPrefix(start) }
  }

  /// Boots a nasty tree, with what runs first behind it, and runs `command` in the end.
  private func boot(
    _ script: String, then command: String, isStock: Bool = false
  ) async throws -> Outcome {
    let directory = try TemporaryDirectory()
    defer { withExtendedLifetime(directory) {} }
    var behind = GuestTree(init: nil)
    for name in ["run", "mnt", "mnt/r"] { behind.directory(name) }
    behind.script("prepare", script)
    behind.script(
      "prepare-stock",
      script.replacing(#/exec /leafroot.*/#, with: "exec /.leafroot-boot/init"))
    var boot = Boot(hasLeaf: false, append: ["rdinit=/prepare\(isStock ? "-stock" : "")"])
    boot.tree = NastyTree.tree()
    if !isStock { boot.packed = PackedImage() }
    boot.images = [try directory.file("behind.img", Segment(behind.records).bytes)]
    return try await boot.run(command)
  }
}
