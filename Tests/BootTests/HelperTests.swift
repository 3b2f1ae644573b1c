// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import Newc
import Testing

@testable import BootHarness

/// Usermode helpers, such as modprobe for slow hardware, that the kernel starts before the leaf is
/// the root: they live in rootfs. Here the kernel starts one before the first directory is made in the
/// leaf (Kernel/faults.patch).
@Suite struct HelperTests {
  @Test(arguments: [false, true])
  func `a helper that ends soon is waited for, and rootfs is empty and sealed`(
    isPacked: Bool
  ) async throws {
    let outcome = try await boot("read -t 1 x <&3", isPacked: isPacked).run(Self.mark)

    try expectPromised(outcome)
    #expect(try #require(outcome.check).uptime > 1, "\(outcome)")
    #expect(!outcome.logs("remains in rootfs"), "\(outcome)")
    #expect(outcome.output.contains("no helper"), "\(outcome)")
  }

  @Test(arguments: [false, true])
  func `a helper that does not end: the boot goes on after 5 s, and the log names it`(
    isPacked: Bool
  ) async throws {
    let outcome = try await boot("read -t 60 x <&3", isPacked: isPacked).run(Self.mark)

    try expectPromised(outcome)
    let uptime = try #require(outcome.check).uptime
    #expect(uptime > 4.5 && uptime < 7, "\(outcome)")
    expectNamed(outcome)
    #expect(outcome.output.contains("helper runs"), "\(outcome)")
  }

  @Test func `what a helper writes into rootfs while it runs is removed`() async throws {
    let outcome = try await boot(
      """
      n=0
      while [ $n -lt 100 ]; do echo $n > /written.$n; read -t 0.01 x <&3; n=$((n + 1)); done
      """
    ).run(Self.mark)

    try expectPromised(outcome)
    #expect(try #require(outcome.check).uptime > 1, "\(outcome)")
    #expect(outcome.output.contains("no helper"), "\(outcome)")
  }

  @Test func `a helper that goes on writing: rootfs is empty and sealed all the same`() async throws
  {
    let outcome = try await boot(
      "n=0; while :; do echo $n > /written.$n; n=$(((n + 1) % 1000)); done"
    ).run(Self.mark)

    try expectPromised(outcome)
    expectNamed(outcome)
    #expect(outcome.output.contains("helper runs"), "\(outcome)")
  }

  /// A boot with a helper whose descriptor 3 never has anything to be read. Where the tree is
  /// packed, the helper is in an image behind it: the kernel would not find it in the payload.
  private func boot(_ script: String, isPacked: Bool = false) throws -> Boot {
    var boot = Boot.userMode("linux-um-6.12-faulty")
    var programs = isPacked ? GuestTree(init: nil) : .bare
    programs.add(Entry(name: Array("fifo".utf8), mode: 0o010600))
    programs.script("sbin/helper", "exec 3<>/fifo\n\(script)")
    programs.script("prepare", "exec /leafroot nonroot_initramfs")
    if !isPacked {
      try boot.tree.addProgram("leafroot")
      boot.tree.add(programs.records)
    }
    // The newest moves first: the helper finds all but these.
    boot.tree.directory("data")
    boot.tree.file("data/large", [UInt8](repeating: 7, count: 3 << 20))
    if isPacked {
      boot.tree.remove("bin/busybox")
      let packed = try PackedImage(parts: 1).records(of: boot.tree.records)
      boot.tree = .bare
      boot.tree.add(packed + programs.records)
    }
    // 258: mkdirat(2)
    boot.append = Boot.preparedWords + ["helper_at=258"]
    return boot
  }

  @Test
  func `a helper that keeps a file open for writing: rootfs is not sealed, and the log says so`()
    async throws
  {
    let outcome = try await boot("exec 4>/kept; read -t 60 x <&3").run(Self.mark)

    #expect(outcome.check?.isLeaf == true, "\(outcome)")
    #expect(outcome.check?.below?.entries == 0, "\(outcome)")
    #expect(outcome.check?.below?.sealed == false, "\(outcome)")
    #expect(outcome.logs("rootfs is not sealed: mount: Resource busy"), "\(outcome)")
    expectNamed(outcome)
  }

  /// Says whether the helper lives.
  private static let mark = """
    busybox mount -t proc proc /proc
    busybox grep -qs helper /proc/[0-9]*/comm && echo helper runs || echo no helper
    """

  private func expectPromised(_ outcome: Outcome) throws {
    #expect(outcome.console.text.contains("/sbin/helper was started: 0"), "\(outcome)")
    try outcome.expectLeaf()
  }

  private func expectNamed(_ outcome: Outcome) {
    let line =
      #/process \d+ \(helper\) started before the leaf was the root, and remains in rootfs/#
    #expect(outcome.verdict.logged.contains { $0.contains(line) }, "\(outcome)")
  }
}
