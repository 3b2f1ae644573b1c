// SPDX-License-Identifier: MIT

import Encoders
import Machines
import Packing
import Testing

@testable import BootHarness

/// Kernel parameters that few machines have, and values that none should.
@Suite struct OddParametersTests {
  private func boot(_ isPacked: Bool, _ append: String...) -> Boot {
    var boot = Boot(append: append)
    if isPacked { boot.packer = Packer(.zstd(level: 1), jobs: 1, memberSize: 1 << 20) }
    return boot
  }

  /// A kernel that does not let PID 1 read or write /dev/kmsg, or discards most of what it writes.
  @Test(arguments: ["off", "ratelimit"])
  func `a damaged image stops, whatever printk.devkmsg= says, and the words name the cause`(
    value: String
  ) async throws {
    var boot = boot(false, "printk.devkmsg=\(value)")
    boot.images = [Boot.damagedImage]
    let outcome = try await boot.run()

    #expect(outcome.verdict.outcome == .panicked, "\(outcome)")
    #expect(outcome.logs("the image is half unpacked, the boot stops"), "\(outcome)")
    #expect(outcome.logs("/ is not full: the image is damaged"), "\(outcome)")
  }

  @Test(arguments: ["off", "ratelimit"], [false, true])
  func `twin: a whole image gets its leaf`(value: String, isPacked: Bool) async throws {
    let outcome = try await boot(isPacked, "printk.devkmsg=\(value)").run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
  }

  @Test func `a line that the log does not take is cut there, and whole on the console`()
    async throws
  {
    let path = "/" + String(repeating: "d/", count: 700) + "end"
    let boot = Boot(append: ["leafroot_init=\(path)"])
    let outcome = try await boot.run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.console.text.contains("\(path): No such file"), "\(outcome)")
    #expect(outcome.verdict.logged.contains { $0.hasSuffix(" …") }, "\(outcome)")
  }

  /// The second is the most that tmpfs takes: mm/shmem.c, shmem_parse_one().
  @Test(arguments: ["size=8E", "nr_inodes=18014398509481983"], [false, true])
  func `limits near the largest number do not trap`(option: String, isPacked: Bool) async throws {
    let outcome = try await boot(isPacked, "initramfs_options=\(option)").run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
  }
}
