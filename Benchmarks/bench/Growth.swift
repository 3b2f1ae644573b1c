// SPDX-License-Identifier: MIT

import BootEntries
import Files
import FoundationEssentials
import Images
import Machines
import SystemPackage

/// How cost grows with the image: with bytes at a fixed number of files, and with files at fixed
/// bytes.
struct Growth: Codable, Sendable {
  /// The variants whose growth is measured.
  static let variants: [Variant] = [.stock, .cp, .wrap, .pack, .squash]

  /// One boot.
  struct Time: Codable, Sendable {
    let variant: Variant
    /// Seconds of guest time, counted in instructions, until the real init; nil if it was not
    /// reached.
    let uptime: Double?
    /// Milliseconds that PID 1 reports for its own work; nil if it is not ours.
    let own: Int?
    let problem: String?
  }

  /// An image, booted as each variant.
  struct Step: Codable, Sendable {
    let files: Int
    /// The bytes of all files together.
    let bytes: Int
    /// Bytes of the zstd-compressed image.
    let compressed: Int64
    /// The guest's memory in MiB.
    let memory: Int
    /// The least memory in MiB that `leafroot inspect` predicts for the kernel's default limits:
    /// for the plain image, wrapped, packed and squashed.
    let need, wrappedNeed, packedNeed, squashedNeed: Int
    let times: [Time]
  }

  /// The kernel's version, as `uname -r` prints it.
  let kernel: String
  /// `YYYY-MM-DD`, UTC.
  let date: String
  /// Steps with more and more bytes in 1,000 files.
  var bySize: [Step] = []
  /// Steps with more and more files, 40 MB together.
  var byFiles: [Step] = []

  static let sizes = [10, 50, 200, 500, 1000, 2000].map {
    GrowthImage(files: 1000, bytes: $0 * 1_000_000)
  }
  static let counts = [1000, 10_000, 50_000, 200_000].map {
    GrowthImage(files: $0, bytes: 40_000_000)
  }
}

extension Growth.Step {
  private func time(_ variant: Variant) -> Growth.Time? { times.first { $0.variant == variant } }

  /// Seconds to the real init.
  func uptime(_ variant: Variant) -> Double? { time(variant)?.uptime }

  /// Seconds that PID 1 took.
  func own(_ variant: Variant) -> Double? { time(variant)?.own.map { Double($0) / 1000 } }

  /// The seconds that `variant` needs more than stock.
  func overStock(_ variant: Variant) -> Double? {
    guard let own = uptime(variant), let stock = uptime(.stock) else { return nil }
    return own - stock
  }
}

extension [Growth.Step] {
  /// The slope of the cost in the upper half of the steps, relative to the lower half. 1 is linear.
  ///
  /// - Parameters:
  ///   - unit: What the steps increase.
  ///   - cost: The measured cost; nil if it was not measured.
  func ratio(_ unit: (Element) -> Int, _ cost: (Element) -> Double?) -> Double? {
    guard count >= 3 else { return nil }
    let steps = [self[0], self[count / 2], self[count - 1]]
    let costs = steps.compactMap(cost)
    let units = steps.map { Double(unit($0)) }
    guard costs.count == 3, units[0] < units[1], units[1] < units[2], costs[1] > costs[0] else {
      return nil
    }
    return (costs[2] - costs[1]) / (units[2] - units[1])
      / ((costs[1] - costs[0]) / (units[1] - units[0]))
  }
}

extension Bench {
  /// Measures one image as each of `variants` and removes its files.
  func grow(_ image: GrowthImage, _ variants: [Variant], jobs: Int) async throws -> Growth.Step {
    let name = "growth-\(image.bytes / 1_000_000)-\(image.files)"
    let files = directory.appending(name)
    try FileManager.default.createDirectory(
      atPath: files.string, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: files.string) }

    say("\(name): makes the image")
    let busybox = try InputFile(cache.appending("kit/full/tree/kit/bin/busybox")).bytes()
    let plain = files.appending("image.zst")
    try image.write(to: plain, busybox: busybox)
    let figures = image.figures(busybox: busybox)
    let bootImage = BootImage(
      name: "image", plain: plain,
      command: ["/.bench/whole", "\(figures.files)", "\(figures.bytes)"],
      attachments: [
        comparators.appending("segment.cpio"), comparators.appending("tools.cpio.zst"),
      ], squashed: ["/many"], directory: files)
    try await bootImage.make(variants, self)

    let inspection = try Inspection(ImageSequence(try InputFile(plain)), of: plain)
    // A copier holds the tree twice, and each tmpfs is limited to half of the memory.
    let memory = max(512, inspection.memory.stock + image.treeSize / 2) + 256
    let times = try await variants.concurrentMap(atMost: jobs) { variant in
      let boot = try await countingBoot(
        variant, bootImage, memory: memory, timeout: .seconds(5400),
        name: "\(name)-\(variant.rawValue)")
      return Growth.Time(
        variant: variant, uptime: boot.uptime, own: boot.moved, problem: boot.problem)
    }
    return Growth.Step(
      files: image.files, bytes: image.bytes, compressed: try InputFile(plain).size,
      memory: memory, need: inspection.memory.stock, wrappedNeed: inspection.memory.wrapped,
      packedNeed: try need(.pack, bootImage), squashedNeed: try need(.squash, bootImage),
      times: times)
  }

  /// The least memory in MiB that is predicted for a packed form of the image.
  private func need(_ variant: Variant, _ image: BootImage) throws -> Int {
    try LoadedImages([image.path(for: variant)]).memory.least
  }
}
