// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import OddImages
import Packing
import Testing

@testable import BootHarness

/// Payloads that have lost their end, or a bit. The oracle is the kernel: of the directories and links
/// outside of the payload and then its files, one after the other, an initramfs of the same tree. PID 1
/// also stops where the kernel would lose an entry in silence, as its directory is missing.
@Suite(.serialized) struct DamagedPayloadProofTests {
  /// Where the damage is: in which file of the payload, and how far behind its beginning, in
  /// thousandths.
  private static let places = [0, 1, 2].flatMap { file in
    [0, 3, 50, 200, 500, 800, 950, 999].map { (file, $0) }
  }

  @Test(arguments: [Compressor.zstd, .gzip, .xz, .lz4, nil])
  func `a bit is flipped: the kernel's tree, or last words that say why not`(
    compressor: Compressor?
  ) async throws {
    var (whole, stopped) = (0, 0)
    for (file, thousandth) in Self.places {
      let damage = { @Sendable (files: inout [[UInt8]]) in
        let offset = min(files[file].count - 1, files[file].count * thousandth / 1000)
        files[file][offset] ^= 0x10
      }
      let isWhole = try await expectKernelsTree(
        PackedImage(compressors: compressor.map { [$0] } ?? [], parts: 2, damage: damage),
        "\(file), \(thousandth)")
      if isWhole { whole += 1 } else { stopped += 1 }
    }
    print(
      "\(compressor.map { "\($0)" } ?? "raw"): \(whole) of the kernel's tree, \(stopped) stopped")
    #expect(stopped > 0)
    // A raw archive has no checksums: a bit of a file's content is only a bit.
    #expect(compressor != nil || whole > 0)
  }

  @Test(arguments: [Compressor.zstd, .gzip, .xz, .lz4])
  func `the end is missing: last words that name the file and the place`(
    compressor: Compressor
  ) async throws {
    for (file, thousandth) in Self.places {
      let damage = { @Sendable (files: inout [[UInt8]]) in
        files[file].removeLast(max(1, files[file].count * (1000 - thousandth) / 1000))
      }
      let outcome = try await boot(PackedImage(compressors: [compressor], parts: 2, damage: damage))
      guard thousandth > 3 else { continue }
      #expect(outcome.verdict.outcome == .panicked, "\(file), \(thousandth) \(outcome)")
      #expect(
        outcome.console.text.contains("/.leafroot/0123456789abcdef/000\(file), byte "), "\(outcome)"
      )
      #expect(outcome.console.text.contains(", the boot stops"), "\(outcome)")
    }
  }

  /// Boots the damaged payload, and what the kernel itself makes of it.
  ///
  /// - Returns: whether the boot went on.
  private func expectKernelsTree(_ image: PackedImage, _ place: String) async throws -> Bool {
    let ours = try await boot(image)
    let stock = try await boot(image, .stock)
    guard ours.check != nil else {
      #expect(ours.verdict.outcome == .panicked, "\(place) \(ours)")
      #expect(ours.console.text.contains(", the boot stops"), "\(place) \(ours)")
      #expect(ours.console.text.contains("/.leafroot/0123456789abcdef/000"), "\(place) \(ours)")
      if !stock.verdict.isHalfUnpacked {
        let entry = try #require(
          ours.entryWithoutDirectory, "\(place): the kernel boots it \(ours)")
        let bare = try await boot(image, .stockWithoutSkeleton)
        #expect(bare.census.entries["./\(entry)"] == nil, "\(place): the kernel makes it \(ours)")
      }
      return false
    }
    #expect(!stock.verdict.isHalfUnpacked, "\(place): the kernel complains \(ours)")
    #expect(ours.verdict.outcome == .asPromised, "\(place) \(ours)")
    let (mine, its) = (ours.census.ownEntries, stock.census.ownEntries)
    let differences = mine.differences(from: its).filter {
      line in !["./.leafroot-boot", "./dev/console", "./prepare"].contains { line.contains($0) }
    }
    #expect(differences.isEmpty, "\(place): \(differences.prefix(10))")
    return true
  }

  /// Who unpacks the payload.
  private enum Unpacker {
    case ours
    /// The kernel, after the image's directories and links.
    case stock
    /// The kernel, into an empty root.
    case stockWithoutSkeleton
  }

  /// In user-mode Linux. An image behind has the shell and the census, whatever the damage does.
  private func boot(_ image: PackedImage, _ unpacker: Unpacker = .ours) async throws -> Outcome {
    var behind = GuestTree(init: nil)
    behind.file("census", try bytes(of: Place.census))
    let isOurs = unpacker == .ours
    let next = isOurs ? "/leafroot nonroot_initramfs" : "/.leafroot-boot/init"
    behind.script("prepare", "exec \(next)")

    var boot = Boot.userMode(append: Boot.preparedWords)
    boot.tree = NastyTree.tree()
    boot.tree.remove("bin/busybox")
    if isOurs {
      boot.packed = image
    } else {
      // The directories and links outside of the payload are not damaged.
      let skeleton =
        unpacker == .stock ? try Segment(PackedImage.skeleton(of: boot.tree.records)).bytes : []
      // Each file at a multiple of 4, as the kernel wants a raw archive, and 4 zeros behind lz4.
      boot.image = try image.members(of: boot.tree.records).reduce(skeleton) {
        $0 + $1 + [UInt8](repeating: 0, count: 8 - $1.count % 4)
      }
    }
    boot.images = [try behind.image]
    return try await boot.run("/census /")
  }
}

extension Outcome {
  /// The entry of which the last words say that its directory is missing.
  fileprivate var entryWithoutDirectory: String? {
    let words = /\/\.leafroot\/[^:]*: (.+): (No such file or|Not a) directory/
    return console.text.firstMatch(of: words).map { String($0.1) }
  }
}
