// SPDX-License-Identifier: MIT

import Fidelity
import Images
import Initramfs
import OddImages
import SystemPackage
import TestSupport
import Testing
import Unpacking

@testable import BootHarness

/// The reader and the unpacker as Embedded Swift on musl, in a guest: Tests/GuestUnpack. They are
/// the host's, from the same sources.
@Suite(.enabled(if: Privilege.mayRun, "gives owners and makes devices: needs root"))
struct GuestUnpackTests {
  @Test func `every odd image that ends well is unpacked in a guest as on the host`() async throws {
    let oracle = try Oracle(kernel: "6.12-x86_64")
    let batch = Batch(whole: try oracle.batches(try Corpus.images())[0].whole)
    #expect(batch.whole.count > 500)
    try await expectSameTree(oracle.image(batch), oracle.rules)
  }

  @Test(arguments: [Compressor.zstd, .gzip])
  func `a nasty tree in a compressed member is unpacked in a guest as on the host`(
    compressor: Compressor
  ) async throws {
    let newc = try NastyTree.tree().image
    try await expectSameTree(compressor.compress(newc), KernelRules())
  }

  private func expectSameTree(_ image: [UInt8], _ rules: KernelRules) async throws {
    var boot = Boot(hasLeaf: false, memory: 1024, cpus: 2)
    boot.tree.file("image", image)
    boot.tree.file("census", try bytes(of: Place.census), mode: 0o755)
    boot.tree.file("unpack", try bytes(of: Place.guestUnpack), mode: 0o755)
    let outcome = try await boot.run(
      """
      busybox mount -t tmpfs -o size=80%,mode=0755 tmpfs /tmp
      /unpack /image /tmp && /census /tmp
      """)

    let directory = try TemporaryDirectory(below: "/dev/shm")
    var unpacker = DirectoryUnpacker()
    unpacker.rules = rules
    let tree = directory.path.appending("tree")
    let summary = try OutputDirectory(tree).fill(from: Bytes(image), by: unpacker)
    #expect(summary.image.refusal == nil)
    let host = try Census(of: tree)
    #expect(host.entries.count > 250)
    let differences = outcome.census.differences(from: host)
    #expect(differences.isEmpty, "\(differences.prefix(20)) \(outcome)")
  }
}
