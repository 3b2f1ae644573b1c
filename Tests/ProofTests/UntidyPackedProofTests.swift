// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import Packing
import Testing

@testable import BootHarness

/// Packed images in boots that are not as tidy as they should be, as UntidyBootTests has them for
/// wrapped ones. Unless a test says otherwise, what counts is that the tree is the one that the
/// stock kernel would have unpacked.
@Suite(.serialized) struct UntidyPackedProofTests {
  private static let kernels = StockKernel.all.filter { $0.machine == "x86_64" }

  @Test(arguments: kernels, [true, false])
  func `on each stock kernel the tree is the one that it unpacks, in a leaf`(
    kernel: StockKernel, isAsked: Bool
  ) async throws {
    let boot = Boot(
      kernel: kernel.name, tree: NastyTree.tree(), hasLeaf: isAsked, packed: PackedImage())
    let (ours, stock) = try await Self.both(boot, NastyTree.census)

    #expect(ours.verdict.outcome == .asPromised, "\(ours)")
    NastyTree.expectSame(ours, as: stock)
  }

  /// CheckedBoot puts `rdinit=/leafroot` before these.
  private static let orders = [
    ["nonroot_initramfs", "rdinit=/init"],
    ["rdinit=/init", "nonroot_initramfs"],
    ["nonroot_initramfs", "rdinit=/leafroot", "init=/nix/store/init"],
    ["init=/nix/store/init", "nonroot_initramfs", "rdinit=/leafroot"],
    ["nonroot_initramfs", "x=\"a b\"", "rdinit=/init", "--", "single"],
    ["nonroot_initramfs", "root=/dev/ram0"],
    ["root=/dev/ram0", "rootfstype=tmpfs", "rw", "nonroot_initramfs"],
    ["root=/dev/ram0", "rootfstype=ramfs", "nonroot_initramfs"],
  ]

  @Test(arguments: ["5.10-x86_64", "6.12-x86_64"])
  func `the order of the words does not matter, and root= neither`(kernel: String) async throws {
    var boot = Boot(kernel: kernel, tree: NastyTree.tree(), hasLeaf: false, packed: PackedImage())
    let (_, stock) = try await Self.both(boot, NastyTree.census)
    for words in Self.orders {
      boot.append = words
      let ours = try await boot.run(NastyTree.census)

      #expect(ours.verdict.outcome == .asPromised, "\(words) \(ours)")
      NastyTree.expectSame(ours, as: stock)
    }
  }

  @Test(arguments: [
    ["--", "nonroot_initramfs"], ["nonroot_initramfs=1"], ["root=/dev/ram0"],
    ["root=/dev/ram0", "rootfstype=ramfs", "--", "nonroot_initramfs"],
  ])
  func `without the word, or with it behind --, the tree is in a leaf all the same`(
    words: [String]
  ) async throws {
    var boot = Boot(tree: NastyTree.tree(), hasLeaf: false, packed: PackedImage())
    boot.append = words
    let (ours, stock) = try await Self.both(boot, NastyTree.census)

    #expect(ours.check?.asPromised == true, "\(ours)")
    NastyTree.expectSame(ours, as: stock)
  }

  @Test(arguments: [true, false], [[], ["root=/dev/ram0"]])
  func `images before and behind the packed one come as the kernel would unpack them`(
    hasMicrocode: Bool, words: [String]
  ) async throws {
    var boot = Boot(packed: PackedImage())
    if hasMicrocode {
      var microcode = GuestTree.bare
      for name in ["kernel", "kernel/x86", "kernel/x86/microcode"] { microcode.directory(name) }
      microcode.file("kernel/x86/microcode/GenuineIntel.bin", [UInt8](repeating: 1, count: 4096))
      boot.front.append(try microcode.image)
    }
    boot.front.append(try Self.front.image)
    boot.images = [try Self.behind.image]
    boot.tree = NastyTree.tree()
    boot.tree.directory("etc/replaced", mode: 0o700)
    boot.tree.file("etc/front", "the tree")
    boot.tree.file("etc/behind", "the tree")
    boot.hasLeaf = true
    boot.append = [KernelParameters.program, KernelParameters.request] + words
    let (ours, stock) = try await Self.both(boot, NastyTree.census)

    #expect(ours.verdict.outcome == .asPromised, "\(ours)")
    #expect(ours.logs("unpacked "), "\(ours)")
    NastyTree.expectSame(ours, as: stock)
    for name in ["./etc/front.d/file", "./etc/only-behind", "./etc/replaced"] {
      #expect(NastyTree.entries(stock).contains { $0.contains(name) }, "\(stock)")
    }
  }

  /// The kernel sets a directory's time by the record that comes first (init/initramfs.c,
  /// dir_utime()).
  @Test func `a directory has the time of the image before the packed one`() async throws {
    var boot = Boot(packed: PackedImage())
    var front = GuestTree.bare
    front.directory("srv")
    front.setModificationTime(of: "srv", 1_500_000_000)
    boot.tree.directory("srv")
    boot.tree.file("srv/file", "the tree")
    boot.front = [try front.image]
    boot.append = [KernelParameters.program, KernelParameters.request]
    let (ours, stock) = try await Self.both(boot, NastyTree.census)

    #expect(ours.verdict.outcome == .asPromised, "\(ours)")
    let its = Self.line("srv", stock)
    #expect(its?.contains(" 2017-07-14 ") == true, "\(stock)")
    #expect(Self.line("srv", ours) == its, "\(ours)")
  }

  private static func line(_ name: String, _ outcome: Outcome) -> String? {
    NastyTree.entries(outcome).first { $0.hasPrefix("./\(name) ") }
  }

  /// What the tree changes, and what stays.
  private static var front: GuestTree {
    var tree = GuestTree.bare
    tree.directory("etc", mode: 0o711)
    tree.link("etc/front", to: "only-front")
    tree.file("etc/only-front", "front")
    tree.file("etc/replaced", "a file")
    tree.directory("etc/front.d")
    tree.file("etc/front.d/file", "front", mode: 0o4711)
    return tree
  }

  private static var behind: GuestTree {
    var tree = GuestTree.bare
    tree.directory("etc/front.d", mode: 0o700)
    tree.file("etc/behind", "behind")
    tree.file("etc/only-behind", "behind")
    tree.link("etc/only-front", to: "only-behind")
    return tree
  }

  @Test(arguments: [true, false])
  func `with leafroot_partial=ok a damaged second image does not keep the payload out`(
    isAllowed: Bool
  ) async throws {
    var boot = Boot(tree: NastyTree.tree(), packed: PackedImage())
    boot.images = [Boot.damagedImage]
    boot.append = isAllowed ? ["leafroot_partial=ok"] : []
    let (ours, stock) = try await Self.both(boot, NastyTree.census)

    #expect(ours.verdict.isHalfUnpacked)
    guard isAllowed else {
      #expect(ours.verdict.outcome == .panicked, "\(ours)")
      #expect(ours.logs("the image is half unpacked, the boot stops"), "\(ours)")
      #expect(!ours.logs("leafroot: unpacked "), "\(ours)")
      return
    }
    #expect(ours.verdict.outcome == .asPromised, "\(ours)")
    #expect(ours.logs("the image is half unpacked, the boot continues"), "\(ours)")
    NastyTree.expectSame(ours, as: stock)
  }

  /// The boot, and what the stock kernel makes of the tree with the same images: on a tmpfs if ours
  /// is in a leaf, whatever rootfs was, since directories have a size there.
  private static func both(_ boot: Boot, _ script: String) async throws -> (Outcome, Outcome) {
    let ours = try await boot.run(script)
    var stock = boot
    stock.packed = nil
    stock.hasLeaf = false
    let left = ["rdinit=", "init="] + (ours.check?.isLeaf == true ? ["root"] : [])
    stock.append = boot.append.filter { word in !left.contains { word.hasPrefix($0) } }
    return (ours, try await stock.run(script))
  }
}
