// SPDX-License-Identifier: MIT

import Fidelity
import Foundation
import Images
import Initramfs
import Machines
import OddImages
import SystemPackage
import TestSupport
import Unpacking

/// Many images in one, as a stock kernel unpacks them and as `leafroot unpack` does.
struct Oracle {
  let name: String
  let kernel: Kernel
  /// What is known of this kernel.
  let rules: KernelRules
  let census: [UInt8]

  init(kernel: String) throws {
    name = kernel
    self.kernel = try Kernel(Place.kernel(kernel))
    rules = KernelRules(try self.kernel.version())
    census = try bytes(of: Place.census)
  }

  /// Those that `make test` boots: something changes between them in how images are read.
  static let kernels = stock.filter(\.isTested).map(\.name)
  /// The others.
  static let otherKernels = stock.filter { !$0.isTested }.map(\.name)

  private static let stock = StockKernel.all.filter { $0.machine == "x86_64" && !$0.isGeneric }

  /// What was made of a batch.
  struct Outcome {
    /// What the kernel said, or would say; nil if it took all.
    var refusal: String?
    /// nil where there was no program for it.
    var census: Census?
  }

  /// The images of `batch`, in one.
  func image(_ batch: Batch) -> [UInt8] { batch.image(census) }

  /// Boots a machine.
  func boot(_ batch: Batch) async throws -> Outcome { try await boot(batch, Boot(kernel: name)) }

  /// The same, by the user-mode Linux of this series, which boots in a moment.
  func bootUserMode(_ batch: Batch) async throws -> Outcome {
    try await boot(batch, .userMode(append: ["rootfstype=tmpfs"]))
  }

  private func boot(_ batch: Batch, _ boot: Boot) async throws -> Outcome {
    var boot = boot
    boot.image = image(batch)
    boot.isChecked = false
    boot.append.append("rdinit=/.census")
    (boot.memory, boot.timeout) = (512, .seconds(300))
    return try Self.outcome(try await boot.run().console)
  }

  private static func outcome(_ console: Console) throws -> Outcome {
    let refusal = console.lines.compactMap { line in
      line.firstRange(of: "Initramfs unpacking failed: ").map { String(line[$0.upperBound...]) }
    }.first
    let isWhole = console.lines.contains { $0.hasPrefix("@census end") }
    // An image that is refused at its beginning takes the census with it.
    guard isWhole || refusal != nil else {
      throw Incomplete(console: console.text)
    }
    return Outcome(refusal: refusal, census: isWhole ? Census(console.lines) : nil)
  }

  struct Incomplete: Error { let console: String }

  /// Unpacks the same bytes here, behind those of the kernel's own archive (usr/default_cpio_list).
  func unpack(_ batch: Batch) throws -> Outcome {
    // What must be first would not be; what the kernel's own archive makes is left out then.
    let isFirst = batch.last?.isFirst ?? false
    return try unpack((isFirst ? [] : Batch.builtIn) + image(batch))
  }

  /// Unpacks `image` as this kernel does.
  private func unpack(_ image: [UInt8]) throws -> Outcome {
    let directory = try TemporaryDirectory()
    // As the kernel's own root, which is a tmpfs.
    chmod(directory.path.string, 0o1777)
    var unpack = DirectoryUnpacker()
    unpack.rules = rules
    let summary = try OutputDirectory(directory.path).fill(from: Bytes(image), by: unpack)

    return Outcome(
      refusal: summary.image.refusal?.kernelMessage, census: try Census(of: directory.path))
  }

  /// Whether this kernel unpacks it to its end, as far as we know.
  private func endsWell(_ image: [UInt8]) -> Bool {
    let summary = ImageReader(Bytes(image), rules).finish()
    return summary.refusal == nil && !summary.isCutShort
  }

  /// All that are unpacked to their end, as far as we know, are in the first boot; each of the
  /// others ends a boot.
  func batches(_ images: [OddImage]) throws -> [Batch] {
    var first = Batch()
    var others: [Batch] = []
    for image in images {
      // How this kernel reads digits is one of its rules.
      let isClear = image.explanation == nil || image.explanation == .digits
      if !image.isAlone && !image.isFirst && isClear && endsWell(image.bytes) {
        first.whole.append(image)
      } else {
        others.append(Batch(whole: [], last: image))
      }
    }
    if !others.isEmpty { first.last = others.removeFirst().last }
    return [first] + others
  }
}
