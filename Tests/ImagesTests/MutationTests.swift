// SPDX-License-Identifier: MIT

import Fidelity
import Images
import Initramfs
import Newc
import OddImages
import Samples
import SystemPackage
import Testing

/// Inputs that somebody, or a bad disk, has changed: truncated, turned over, empty, with huge
/// sizes. Never a crash, and never a silent success on a broken member.
@Suite struct MutationTests {
  /// Raw archives of all kinds: the verdict is that of a second telling of the kernel's rules.
  @Test func `10,000 mutated raw archives are judged as the kernel judges them`() throws {
    let bases = try Corpus.fixed().map(\.bytes).filter { $0.first == 0x30 && $0.count < 3000 }
    var random = SplitMix(seed: 4)
    var verdicts: [String: Int] = [:]
    for round in 0..<10_000 {
      let bytes = mutated(bases[round % bases.count], &random)
      var rules = KernelRules()
      rules.records.digits = .lenient
      var found = Names(bytes, rules)
      let summary = found.summary
      var model = KernelModel(bytes)
      if model.isCompressed { continue }

      let verdict = summary.refusal?.kernelMessage ?? (summary.isCutShort ? "cut short" : "whole")
      verdicts[verdict, default: 0] += 1
      // The record at which it stops is not handed over by each in the same state.
      if model.message != nil || model.isCutShort {
        let count = min(model.names.count, found.names.count)
        #expect(abs(model.names.count - found.names.count) <= 1)
        model.names = Array(model.names.prefix(count))
        found.names = Array(found.names.prefix(count))
      }
      try #require(summary.refusal?.kernelMessage == model.message, "round \(round): \(bytes)")
      try #require(
        summary.isCutShort == model.isCutShort, "round \(round): \(verdict) \(bytes)")
      try #require(found.names == model.names, "round \(round)")
    }
    // All that can be said has been said.
    for verdict in [
      "whole", "cut short", "no cpio magic", "malformed archive", "broken padding",
      "bad data checksum", "invalid magic at start of compressed archive",
    ] {
      #expect(verdicts[verdict, default: 0] > 20, "\(verdicts)")
    }
  }

  @Test(arguments: [Compressor.gzip, .bzip2, .xz, .lzo, .zstd])
  func `a member with a check is refused, told to be wrong, or holds what it held`(
    compressor: Compressor
  ) throws {
    let original = archive(
      [.directory("d")] + (0..<20).map { .file("d/\($0)", "content \($0 * 7919)").summed })
    let options = compressor == .zstd ? ["--check"] : []
    let base = try compressor.compress(original, options.first ?? "-6")
    let sound = Names(base)

    var random = SplitMix(seed: 5)
    var caught = 0
    for round in 0..<600 {
      let bytes = mutated(base, &random)
      let found = Names(bytes)
      let summary = found.summary
      let isDamaged =
        summary.refusal != nil || summary.isCutShort
        || summary.members.contains { $0.isCheckWrong }
      if isDamaged { caught += 1 }
      #expect(
        isDamaged || found.isSame(as: sound) || bytes.allSatisfy { $0 == 0 },
        "round \(round): \(found.names.count) names")
    }
    #expect(caught > 300)
  }

  @Test(arguments: [Compressor.lz4, .lzma])
  func `a member without a check does not bring the reader down`(compressor: Compressor) throws {
    let base = try compressor.compress(
      archive([.directory("d")] + (0..<20).map { .file("d/\($0)", "content \($0 * 7919)") }))
    var random = SplitMix(seed: 6)
    for _ in 0..<600 {
      _ = try Inspection(Bytes(mutated(base, &random)), of: "image")
    }
  }

  @Test func `an empty image and one of zeros hold nothing, and nothing is wrong with them`() throws
  {
    for count in [0, 1, 4, 511, 100_000] {
      let found = Names(zeros(count))
      let summary = found.summary
      #expect(summary.refusal == nil && !summary.isCutShort && found.names.isEmpty)
    }
  }

  /// One to three changes.
  private func mutated(_ base: [UInt8], _ random: inout SplitMix) -> [UInt8] {
    var bytes = base
    for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &random)
      let count = Int.random(in: 1...12, using: &random)
      let end = min(bytes.count, place + count)
      switch Int.random(in: 0..<9, using: &random) {
      case 0: bytes.removeSubrange(place...)
      case 1: bytes.removeSubrange(place..<end)
      case 2: bytes.insert(contentsOf: zeros(count), at: place)
      case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
      case 4:
        bytes.replaceSubrange(place..<end, with: Array("FFFFFFFFFFFF".utf8.prefix(end - place)))
      case 5: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 6: bytes[place] = Array("0123456789abcdefx".utf8).randomElement(using: &random)!
      default: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
      }
    }
    return bytes
  }
}

/// The names and the data that a reader finds.
private struct Names {
  var summary = ImageSummary()
  var names: [[UInt8]] = []
  var sum: UInt64 = 0

  init(_ image: [UInt8], _ rules: KernelRules = KernelRules()) {
    let reader = ImageReader(Bytes(image), rules)
    while let event = reader.next() {
      switch event {
      case .entry(let record): names.append(record.entry.name)
      case .data(let bytes): for byte in bytes { sum = sum &* 31 &+ UInt64(byte) }
      case .trailer: names.append(Array("TRAILER!!!".utf8))
      case .skipped: names.append([])
      case .dataEnds, .memberBegins, .memberEnds: break
      }
    }
    summary = reader.summary
  }

  func isSame(as other: Names) -> Bool { names == other.names && sum == other.sum }
}
