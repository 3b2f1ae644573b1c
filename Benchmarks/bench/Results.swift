// SPDX-License-Identifier: MIT

import Files
import FoundationEssentials
import Glibc
import Packing
import Subprocess
import SystemPackage

/// An image's figures, as reported by the script that built it.
struct Figures: Codable, Sendable {
  /// Regular files, each name counted.
  let files: Int
  /// Their bytes, each file counted once.
  let bytes: Int
  /// Their bytes, each name counted.
  let named: Int
  /// All entries.
  let entries: Int
  /// Bytes of the image.
  let compressed: Int
  /// The zstd level.
  let level: Int

  init(_ path: FilePath) throws(FileError) {
    var values: [Substring: Int] = [:]
    for line in try text(of: path).split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 2 { values[words[0]] = Int(words[1]) }
    }
    func value(_ name: Substring) throws(FileError) -> Int {
      guard let value = values[name] else {
        throw FileError(path, found: "no number of \(name)", expected: "one")
      }
      return value
    }
    files = try value("files")
    bytes = try value("bytes")
    named = try value("named")
    entries = try value("entries")
    compressed = try value("compressed")
    level = try value("level")
  }
}

/// The results of one benchmark run.
struct Results: Encodable {
  /// Guest time at the real init.
  struct Time: Encodable {
    let variant: Variant
    /// Seconds.
    let uptime: Double?
    /// Milliseconds that the move took, as reported by leafroot-init.
    let moved: Int?
    /// MiB of memory that the root keeps, when the real init starts.
    let kept: Int?
    /// Seconds until each file has been read once.
    let read: Double?
    let problem: String?
  }

  /// Guest times at the real init with the small image, in seconds.
  struct Small: Encodable {
    let stock: [Double]
    let wrap: [Double]

    var overStock: Double? {
      guard let stock = median(stock), let wrap = median(wrap) else { return nil }
      return wrap - stock
    }
  }

  /// The least memory that boots.
  struct Memory: Encodable {
    let variant: Variant
    /// Mount options for rootfs and leaf; nil for the kernel's defaults.
    let options: String?
    let mebibytes: Int?
  }

  /// Milliseconds that each move took, emulated on one processor and on two.
  struct Processors: Encodable {
    let one: [Int]
    let two: [Int]
    /// The host's load average afterwards; up to 2 is our own.
    let load: Double

    var ratio: Double? {
      guard let one = median(one.map(Double.init)), let two = median(two.map(Double.init))
      else { return nil }
      return two / one
    }
  }

  /// The machine that the benchmarks ran on.
  struct Host: Encodable {
    let processor: String
    let processors: Int
    let system: String
    let qemu: String
  }

  let host: Host
  let kernel: String
  let packages: [String: String]
  let image: Figures
  let smallImage: Figures
  let programSizes: [String: Int]
  /// The sizes in bytes of the stock image and of the packed ones, by the variant that boots it.
  let imageSizes: [String: Int64]
  var times: [Time] = []
  var small: Small?
  var processors: Processors?
  var memory: [Memory] = []
  var trials: [Trial] = []
  var seconds = 0.0

  init(_ bench: Bench, _ images: ReferenceImages) async throws {
    host = try await Host(
      processor: Results.processorName(), processors: sysconf(Int32(_SC_NPROCESSORS_ONLN)),
      system: line(of: "/proc/sys/kernel/osrelease"), qemu: Results.qemuVersion())
    kernel = bench.kernelVersion
    packages = Dictionary(
      images.packages.split(separator: "\n").compactMap { line in
        let words = line.split(separator: " ")
        return words.count == 2 ? (String(words[0]), String(words[1])) : nil
      }, uniquingKeysWith: { first, _ in first })
    image = images.image.figures
    smallImage = images.small.figures
    programSizes = Dictionary(
      uniqueKeysWithValues: bench.programSizes.map { ($0.key.rawValue, $0.value) })
    imageSizes = Dictionary(
      uniqueKeysWithValues: images.imageSizes.map { ($0.key.rawValue, $0.value) })
  }

  private static func processorName() throws(FileError) -> String {
    let lines = try text(of: "/proc/cpuinfo").split(separator: "\n")
    guard let line = lines.first(where: { $0.hasPrefix("model name") }),
      let colon = line.firstIndex(of: ":")
    else { return "unknown" }
    return String(line[line.index(after: colon)...].drop(while: \.isWhitespace))
  }

  private static func qemuVersion() async throws -> String {
    let result = try await Subprocess.run(
      .name("qemu-system-x86_64"), arguments: ["--version"], input: .none,
      output: .string(limit: 4096), error: .discarded)
    // QEMU emulator version 7.2.22 (Debian …)
    let words = result.standardOutput.split(separator: " ")
    return words.count > 3 ? words[3].filter { !$0.isNewline } : "unknown"
  }

  /// The seconds that `variant` needs more than stock with the same kernel.
  func overStock(_ variant: Variant) -> Double? {
    func uptime(_ variant: Variant) -> Double? {
      times.first { $0.variant == variant }?.uptime
    }
    guard let own = uptime(variant), let stock = uptime(variant.base) else { return nil }
    return own - stock
  }

  /// The least memory of `variant` in MiB.
  func least(_ variant: Variant, options: String?) -> Int? {
    memory.first { $0.variant == variant && $0.options == options }?.mebibytes
  }

  private enum Key: CodingKey {
    case host, kernel, packages, image, smallImage, programSizes, imageSizes, times,
      small
    case processors, memory, trials, budgets, seconds
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(host, forKey: .host)
    try container.encode(kernel, forKey: .kernel)
    try container.encode(packages, forKey: .packages)
    try container.encode(image, forKey: .image)
    try container.encode(smallImage, forKey: .smallImage)
    try container.encode(programSizes, forKey: .programSizes)
    try container.encode(imageSizes, forKey: .imageSizes)
    try container.encode(times, forKey: .times)
    try container.encodeIfPresent(small, forKey: .small)
    try container.encodeIfPresent(processors, forKey: .processors)
    try container.encode(memory, forKey: .memory)
    try container.encode(trials, forKey: .trials)
    try container.encode(budgets, forKey: .budgets)
    try container.encode(seconds, forKey: .seconds)
  }
}

/// Writes `value` to the new file `path` as JSON, whole or not at all.
func writeJSON(_ value: some Encodable, to path: FilePath) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  try OutputFile.write(Array(try encoder.encode(value)) + [UInt8(ascii: "\n")], to: path)
}

/// The median of `values`; nil if there are none.
func median(_ values: [Double]) -> Double? {
  guard !values.isEmpty else { return nil }
  let sorted = values.sorted()
  let middle = sorted.count / 2
  if sorted.count.isMultiple(of: 2) { return (sorted[middle - 1] + sorted[middle]) / 2 }
  return sorted[middle]
}
