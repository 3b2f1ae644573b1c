// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import Testing

@testable import BootHarness

/// The tree in the leaf is the one that the stock kernel would have unpacked.
@Suite struct SameTreeTests {
  @Test(arguments: StockKernel.rootfs)
  func `a nasty tree is what the stock kernel unpacks, to the last entry`(kernel: StockKernel)
    async throws
  {
    try await Boot(kernel: kernel.name, cpus: 2).expectNastyTree()
  }

  @Test func `what an earlier program made, and mounted, comes along`() async throws {
    let boot = try Boot.prepared(
      """
      busybox mount -t proc proc /proc
      busybox mount -t sysfs sys /sys
      busybox mkdir /run
      busybox mount -t tmpfs -o mode=0750 run /run
      echo kept > /run/file
      busybox mknod /tmp/whiteout c 0 0
      busybox mkfifo /tmp/fifo
      busybox setfattr -n trusted.overlay.opaque -v y /tmp || echo "no setfattr"
      busybox touch -d '2001-02-03 04:05:06' /tmp/dated
      exec /leafroot nonroot_initramfs
      """)
    let outcome = try await boot.run(
      """
      busybox cat /run/file
      busybox grep -c -E ' (/proc|/sys|/run) ' /proc/self/mountinfo
      busybox stat -c '%n %F %t:%T' /tmp/whiteout /tmp/fifo
      busybox stat -c '%n %y' /tmp/dated
      """)

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(lines.contains("kept"), "\(outcome)")
    #expect(lines.contains("3"), "\(outcome)")
    #expect(lines.contains("/tmp/whiteout character special file 0:0"))
    #expect(lines.contains("/tmp/fifo fifo 0:0"))
    #expect(lines.contains { $0.hasPrefix("/tmp/dated 2001-02-03 04:05:06.000000000") })
  }

  @Test func `20,000 files move`() async throws {
    try await EmptyFiles(count: 20_000).expectMove(memory: 512)
  }

  @Test func `a file larger than half of the memory moves`() async throws {
    try await LargeFile(bytes: 167_772_161, sum: "18080204c3c002b263dea814926ca28d")
      .expectMove(memory: 256)
  }
}
