// SPDX-License-Identifier: MIT

import Machines
import OddImages
import Packing
import Testing

@testable import BootHarness

/// A tree that is deeper than a path can say: symbolic links lead down part by part.
@Suite struct DeepTreeTests {
  private static let levels = 6600

  /// `d/d/…`, `1/d/d/…`, `2/d/d/…`, where each link leads to the end of the part before; a file at the
  /// bottom.
  private static func records() -> [OddRecord] {
    var records: [OddRecord] = []
    var (start, part) = ("", 0)
    var left = levels
    while left > 0 {
      let count = min(left, 2000)
      var path = start
      for _ in 0..<count {
        path += path.isEmpty ? "d" : "/d"
        records.append(.directory(path, 0o750).with { $0.user = 5 })
      }
      part += 1
      records.append(.link("\(part)", to: "/" + path))
      start = "\(part)"
      left -= count
    }
    records.append(.file("\(start)/bottom", "at the bottom"))
    return records
  }

  enum Form: CaseIterable {
    /// By the kernel alone.
    case stock
    case moved
    /// As a boot loader brings it: `nest` refuses so many steps through symbolic links.
    case nested
    case movedBesidePayload
  }

  @Test(arguments: Form.allCases)
  func `a tree of 6,600 levels comes into the leaf as it comes into rootfs`(
    form: Form
  ) async throws {
    let deep = archive(Self.records())
    // The kernel's own leaf fails, and PID 1 comes to a rootfs.
    var boot = KernelCall.all[0].boot
    boot.memory = 512
    boot.append += ["rdinit=/leafroot", "leafroot_init=/.leafroot-boot/init"]
    try boot.tree.addProgram("leafroot")
    switch form {
    case .stock:
      boot.append = ["rootfstype=tmpfs"]
      boot.images = [deep]
    case .moved: boot.images = [deep]
    case .nested: boot.images = try nested(deep)
    case .movedBesidePayload:
      boot.images = [deep]
      boot.images += try nested(archive([.file("small", "small")]))
    }
    let outcome = try await boot.run(
      "busybox cat /4/bottom; echo; busybox stat -c '%F %a %u %Y' /4 /4/. /4/..")

    #expect(outcome.check?.isLeaf == (form != .stock), "\(outcome)")
    #expect(outcome.check?.asPromised == (form != .stock), "\(outcome)")
    #expect(
      outcome.output == """
        at the bottom
        symbolic link 777 0 1500000000
        directory 750 5 1500000000
        directory 750 5 1500000000

        """, "\(outcome)")
  }

  private func nested(_ image: [UInt8]) throws -> [[UInt8]] {
    [try Nester().segment(.built()), injected(image)]
  }
}
