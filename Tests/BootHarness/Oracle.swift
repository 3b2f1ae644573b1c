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

/// Compares how a stock kernel and `leafroot unpack` unpack a batch of images.
struct Oracle {
  let name: String
  let kernel: Kernel
  /// The known rules of this kernel.
  let rules: KernelRules
  let census: [UInt8]

  init(kernel: String) throws {
    name = kernel
    self.kernel = try Kernel(Place.kernel(kernel))
    rules = KernelRules(try self.kernel.version())
    census = try bytes(of: Place.census)
  }

  /// The kernels that `make test` boots, chosen because they differ in how they read images.
  static let kernels = stock.filter(\.isTested).map(\.name)
  /// The others.
  static let otherKernels = stock.filter { !$0.isTested }.map(\.name)

  private static let stock = StockKernel.all.filter { $0.machine == "x86_64" && !$0.isGeneric }

  /// The result of unpacking a batch.
  struct Outcome {
    /// The message of the kernel, or the one it would print; nil if it unpacked everything.
    var refusal: String?
    /// nil if the program that takes the census was not unpacked.
    var census: Census?
  }

  /// The images of `batch`, as one image.
  func image(_ batch: Batch) -> [UInt8] { batch.image(census) }

  /// Unpacks the batch in a virtual machine.
  func boot(_ batch: Batch) async throws -> Outcome { try await boot(batch, Boot(kernel: name)) }

  /// Unpacks the batch in the user-mode Linux of this series, which boots quickly.
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
    // If an image is refused at its beginning, the program for the census is lost too.
    guard isWhole || refusal != nil else {
      throw Incomplete(console: console.text)
    }
    return Outcome(refusal: refusal, census: isWhole ? Census(console.lines) : nil)
  }

  struct Incomplete: Error { let console: String }

  /// Unpacks the same bytes on the host, after the kernel's own archive (usr/default_cpio_list).
  func unpack(_ batch: Batch) throws -> Outcome {
    // An image that must be first is unpacked without the kernel's own archive.
    let isFirst = batch.last?.isFirst ?? false
    return try unpack((isFirst ? [] : Batch.builtIn) + image(batch))
  }

  /// Unpacks `image` as this kernel does.
  private func unpack(_ image: [UInt8]) throws -> Outcome {
    let directory = try TemporaryDirectory()
    // Like the kernel's root, which is a tmpfs.
    chmod(directory.path.string, 0o1777)
    var unpack = DirectoryUnpacker()
    unpack.rules = rules
    let summary = try OutputDirectory(directory.path).fill(from: Bytes(image), by: unpack)

    return Outcome(
      refusal: summary.image.refusal?.kernelMessage, census: try Census(of: directory.path))
  }

  /// Whether this kernel is expected to unpack the whole image.
  private func endsWell(_ image: [UInt8]) -> Bool {
    let summary = ImageReader(Bytes(image), rules).finish()
    return summary.refusal == nil && !summary.isCutShort
  }

  /// The first batch has all images that are expected to be unpacked whole; each of the others ends
  /// a boot.
  func batches(_ images: [OddImage]) throws -> [Batch] {
    var first = Batch()
    var others: [Batch] = []
    for image in images {
      // The rules include how this kernel reads digits.
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
