// SPDX-License-Identifier: MIT

import Fidelity
import Files
import Foundation
import Images
import Machines
import Newc
import Packing
import SystemPackage
import Testing

/// A series of boots whose kernel, processors and memory are derived from their number and the seed
/// of the series. Finished boots are recorded in a file, so that an interrupted series can
/// continue.
struct BootSeries {
  /// The seed of the whole series.
  let seed: UInt64
  private var done: [Int: String] = [:]

  static let count = 300
  private static let state = Place.root.appending("build/boots.txt")

  /// Continues the recorded series, or starts a new one if that is complete.
  init() throws {
    let text = (try? String(contentsOfFile: Self.state.string, encoding: .utf8)) ?? ""
    var lines = text.split(separator: "\n").map(String.init)
    let first = lines.isEmpty ? "" : lines.removeFirst()
    for line in lines {
      let fields = line.split(separator: "\t")
      if fields.count > 1, fields[1] == "passed", let number = Int(fields[0]) {
        done[number] = line
      }
    }
    if first.hasPrefix("seed "), let known = UInt64(first.dropFirst(5)), done.count < Self.count {
      seed = known
    } else {
      seed = UInt64.random(in: 0..<1 << 32)
      done = [:]
    }
    try write()
  }

  /// Runs the missing boots, as many at a time as there are processors.
  mutating func run() async throws {
    let missing = (1...Self.count).filter { done[$0] == nil }
    let image = try await BootSeriesImage()

    try await withThrowingTaskGroup(of: (SeriesBoot, RunDirectory, Outcome).self) { group in
      for number in missing {
        let boot = SeriesBoot(number, seed: seed) { image.least[$0.name]! }
        group.addTask {
          try await Gate.shared.pass { try await Self.attempt(boot, image) }
        }
      }
      for try await (boot, directory, outcome) in group {
        try judge(boot, directory, outcome, image)
      }
    }
  }

  /// Boots, and retries after an oops that is attributed to the emulator: in parallel, QEMU
  /// sometimes executes the int3 that a kernel inserts briefly where it patches itself
  /// (text_poke_bp, arch/x86/kernel/alternative.c). See `Machine.emulatesInParallel`.
  private static func attempt(
    _ boot: SeriesBoot, _ image: BootSeriesImage
  ) async throws -> (SeriesBoot, RunDirectory, Outcome) {
    var attempts = 0
    while true {
      attempts += 1
      let directory = try RunDirectory.temporary()
      let outcome = try await boot.boot(of: image).run(in: directory)
      guard outcome.console.text.contains("int3: 0000 [#"), attempts < 3 else {
        return (boot, directory, outcome)
      }
      print("boot \(boot.number), \(boot): an int3 oops of the emulator, \(directory.log)")
      directory.keep()
    }
  }

  /// Records the boot, and keeps the files of a failed one.
  private mutating func judge(
    _ boot: SeriesBoot, _ directory: RunDirectory, _ outcome: Outcome, _ image: BootSeriesImage
  ) throws {
    let fault = image.fault(of: outcome, on: boot.kernel)
    let word = fault == nil ? "passed" : "failed"
    done[boot.number] = "\(boot.number)\t\(word)\t\(boot)\t\(outcome.verdict.seconds) s"
    try write()

    guard let fault else { return directory.remove() }
    directory.keep()
    Issue.record(
      """
      seed \(seed), boot \(boot.number), \(boot): \(fault)
      \(outcome.replay ?? "")
      \(outcome)
      """)
  }

  private func write() throws {
    let lines = ["seed \(seed)"] + done.sorted { $0.key < $1.key }.map(\.value)
    try (lines.joined(separator: "\n") + "\n").write(
      toFile: Self.state.string, atomically: true, encoding: .utf8)
  }
}

/// One boot of a series.
struct SeriesBoot: CustomStringConvertible, Sendable {
  let number: Int
  let kernel: StockKernel
  let cpus: Int
  /// The machine's memory in MiB.
  let memory: Int

  /// Derives a boot from `number` and `seed`, with between `least` MiB and 2 GiB.
  init(_ number: Int, seed: UInt64, least: (StockKernel) -> Int) {
    var random = SplitMix(seed: seed &* 1_000_003 &+ UInt64(number))
    self.number = number
    kernel = BootSeriesImage.kernels.randomElement(using: &random)!
    cpus = [1, 2, 4].randomElement(using: &random)!
    memory = Int.random(in: least(kernel)...2048, using: &random)
  }

  /// A boot on one processor.
  init(kernel: StockKernel, memory: Int) {
    number = 0
    self.kernel = kernel
    cpus = 1
    self.memory = memory
  }

  var description: String { "\(kernel.name), \(cpus) CPUs, \(memory) MiB" }

  func boot(of image: BootSeriesImage) -> Boot {
    var boot = image.boot
    (boot.kernel, boot.memory, boot.timeout) = (kernel.name, memory, .seconds(300))
    // PID 1 moves the tree with one thread per processor.
    boot.cpus = cpus
    boot.adjust = { $0.emulatesInParallel = true }
    return boot
  }
}

/// The image of a series: a nasty tree, wrapped.
struct BootSeriesImage: Sendable {
  var boot: Boot
  /// The least MiB with which each stock kernel boots the image without the leaf.
  private(set) var least: [String: Int] = [:]

  static let kernels = StockKernel.all.filter { $0.machine == "x86_64" }

  private let entries: Int

  init() async throws {
    let tree = NastyTree.tree()
    let image = try Segment.leaf(.built()).bytes + tree.image
    // The log shows how far a hanging boot came.
    boot = Boot(
      image: image, append: ["loglevel=7"], command: ["/bin/busybox", "sh", "-c", Self.count])
    entries =
      Set(tree.records.map { String(decoding: $0.entry.name, as: UTF8.self) })
      // From the kernel's own archive: usr/default_cpio_list.
      .union(["root", "dev/console"]).count
    let predicted = try memoryNeed(of: image).stock
    for kernel in Self.kernels {
      least[kernel.name] = try await measureLeast(of: kernel, from: predicted)
    }
  }

  /// The prediction is for 6.12; newer kernels need a few MiB more.
  private func measureLeast(of kernel: StockKernel, from predicted: Int) async throws -> Int {
    var image = self
    image.boot.hasLeaf = false
    for memory in stride(from: predicted, to: 2 * predicted, by: 2) {
      let verdict = try await SeriesBoot(kernel: kernel, memory: memory).boot(of: image).run()
        .verdict
      // Add memory for the check's segment and for variation between boots.
      if verdict.reachedCheckWhole { return memory + 4 }
    }
    throw FileError(Place.kernel(kernel.name), "does not boot the image of the series")
  }

  /// Excludes PID 1's file, which remains if PID 1 has nothing to do.
  private static let count = """
    cd /
    echo "entries: $(busybox find . -xdev ! -path './leafroot' ! -path './.leafroot-boot*' -print0 |
      busybox tr -dc '\\0' | busybox wc -c)"
    """

  /// What was wrong with a boot; nil if nothing was.
  func fault(of outcome: Outcome, on kernel: StockKernel) -> String? {
    let verdict = outcome.verdict
    guard verdict.outcome == .asPromised else { return verdict.outcome.rawValue }
    let line =
      kernel.isLeaf ? "the root is already a leaf, nothing to do" : "ms; the root is a leaf"
    guard verdict.logged.count == 1, verdict.logged[0].hasSuffix(line) else {
      return "the log has \(verdict.logged)"
    }
    let output = outcome.output
    return output.contains("entries: \(entries)\n") || output.hasSuffix("entries: \(entries)")
      ? nil : "\(output), expected \(entries)"
  }
}
