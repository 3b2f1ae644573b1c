// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import Testing

@testable import BootHarness

/// Firmware that the kernel reads for a driver while PID 1 works: leafroot(7), LIMITS. Here it reads
/// `/lib/firmware/test` before PID 1's first call of a number (Kernel/faults.patch).
@Suite struct FirmwareTests {
  /// System calls of x86_64.
  enum Call: Int {
    case mkdirat = 258
    case symlinkat = 266
    case execve = 59
  }

  enum Form {
    case moved, packed
    /// Packed, and the firmware is also in an image that the kernel unpacks.
    case packedAndLoaded
  }

  @Test(arguments: [
    // Nothing has moved.
    (Call.mkdirat, Form.moved, true),
    // It has moved, and a link of another directory has not.
    (.symlinkat, .moved, false),
    // It is in the payload.
    (.mkdirat, .packed, false), (.symlinkat, .packed, false),
    // The remedies: for who asks before PID 1 works, and for who asks when the real init runs.
    (.mkdirat, .packedAndLoaded, true),
    (.execve, .moved, true), (.execve, .packed, true), (.execve, .packedAndLoaded, true),
  ])
  func `the kernel finds firmware in rootfs until it moves, and in the leaf from chroot on`(
    call: Call, form: Form, isFound: Bool
  ) async throws {
    let outcome = try await boot(call, form).run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    expect(outcome, isFound: isFound)
  }

  @Test func `twin: without a leaf it is always there`() async throws {
    let outcome = try await boot(.execve, nil).run()

    #expect(outcome.check?.isLeaf == false, "\(outcome)")
    expect(outcome, isFound: true)
  }

  /// - Parameter form: nil for a boot without the word.
  private func boot(_ call: Call, _ form: Form?) throws -> Boot {
    var boot = Boot.userMode("linux-um-6.12-faulty")
    boot.tree.directory("links")
    boot.tree.link("links/one", to: "two")
    // The newest moves first.
    Self.addFirmware(to: &boot.tree)
    var rest = GuestTree.bare
    if form == .packed || form == .packedAndLoaded {
      let packed = try PackedImage(parts: 1).records(of: boot.tree.records)
      boot.tree = .bare
      if form == .packedAndLoaded { Self.addFirmware(to: &boot.tree) }
      boot.tree.add(packed)
      rest = GuestTree(init: nil)
    } else {
      try boot.tree.addProgram("leafroot")
    }
    rest.script("prepare", "exec /leafroot \(form == nil ? "" : "nonroot_initramfs")")
    boot.tree.add(rest.records)
    boot.append = Boot.preparedWords + ["firmware_at=\(call.rawValue)"]
    return boot
  }

  private static func addFirmware(to tree: inout GuestTree) {
    tree.directory("lib")
    tree.directory("lib/firmware")
    tree.file("lib/firmware/test", content)
  }

  private static let content = Array("firmware".utf8)

  /// The number of bytes, or ENOENT.
  private func expect(_ outcome: Outcome, isFound: Bool) {
    let result = isFound ? Self.content.count : -2
    #expect(
      outcome.console.text.contains("/lib/firmware/test was read: \(result)\n"), "\(outcome)")
  }
}
