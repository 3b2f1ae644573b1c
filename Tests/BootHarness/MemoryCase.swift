// SPDX-License-Identifier: MIT

import Fidelity
import Images
import Machines
import Packing
import Testing

/// An image whose predicted least memory is tested by boots with a little more and a little less.
struct MemoryCase: CustomTestStringConvertible, Sendable {
  /// The number of files.
  var files: Int
  /// The bytes in each file.
  var bytes: Int
  /// The mount options of rootfs (`initramfs_options`); nil for the kernel's default.
  var option: String?
  /// Whether the image is wrapped.
  var isWrapped = false

  var testDescription: String {
    "\(files) files of \(bytes) bytes, \(option ?? "default limit")\(isWrapped ? ", wrapped" : "")"
  }

  /// The image must boot with 5 % more than predicted, and fail with 5 % less.
  func expectPrediction() async throws {
    let content = try content()
    let need = try memoryNeed(of: content)
    let predicted = isWrapped ? need.wrapped : option == nil ? need.stock : need.large
    var boot = Boot(hasLeaf: isWrapped)
    boot.image = isWrapped ? Segment.leaf(try .built()).bytes + content : content
    boot.append = option.map { ["initramfs_options=\($0)"] } ?? []
    boot.timeout = .seconds(300)

    for (memory, isEnough) in [(predicted * 105 / 100, true), (predicted * 95 / 100, false)] {
      boot.memory = memory
      let outcome = try await boot.run()
      #expect(
        outcome.verdict.reachedCheckWhole == isEnough,
        "\(memory) MiB, predicted \(predicted): \(outcome)")
    }
  }

  /// Incompressible bytes, so that the image is as large as the tree.
  private func content() throws -> [UInt8] {
    var random = SplitMix(seed: 1)
    var tree = GuestTree.bare
    for index in 0..<files {
      let words = (0..<((bytes + 7) / 8)).map { _ in random.next() }
      tree.file("\(index)", words.withUnsafeBytes { Array($0.prefix(bytes)) }, mode: 0o644)
    }
    return try tree.image
  }
}
