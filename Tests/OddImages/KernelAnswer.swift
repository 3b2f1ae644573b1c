// SPDX-License-Identifier: MIT

public import Fidelity
import Foundation

/// How a stock kernel unpacked a batch of odd images, as recorded in `Linux-6.12.census`
/// by OracleProofTests: LEAFROOT_RECORD=1 make proof FILTER=OracleProofTests
public struct KernelAnswer: Sendable {
  /// The names of the images that are unpacked whole.
  public var whole: [String] = []
  public var last: String?
  /// The kernel's message; nil if it unpacked everything.
  public var refusal: String?
  /// The entries of the tree; nil if the program that takes the census was not unpacked.
  public var entries: [String: String]?

  /// Creates the answer to `batch`.
  public init(_ batch: Batch, refusal: String?, _ census: Census?) {
    whole = batch.whole.map(\.name)
    last = batch.last?.name
    self.refusal = refusal
    entries = census.map(Self.entries)
  }

  /// The name of the batch in failures.
  public var name: String { last ?? "\(whole.count) images" }

  /// The batch that it answers; nil if one of the images no longer exists.
  public func batch(of images: [String: OddImage]) -> Batch? {
    let found = whole.compactMap { images[$0] }
    guard found.count == whole.count, last == nil || images[last!] != nil else { return nil }
    return Batch(whole: found, last: last.flatMap { images[$0] })
  }

  /// Whether the answer is recorded, because we should do the same as the kernel.
  public static func isRecorded(_ image: OddImage) -> Bool {
    image.explanation == nil || image.explanation == .digits
  }

  // MARK: Entries

  /// The entries of a census, without the test's own and without the kernel's own if unchanged.
  public static func entries(_ census: Census) -> [String: String] {
    // For a hard-linked file, the census uses the first name that it finds; use the least instead.
    var first: [String: String] = [:]
    for (path, entry) in census.entries where !entry.sameAs.isEmpty {
      first[entry.sameAs] = min(first[entry.sameAs] ?? path, path)
    }
    var entries: [String: String] = [:]
    for (path, entry) in census.entries {
      if path == "./.census" || path.hasPrefix("./.done-") { continue }
      let fields = [
        entry.mode, entry.owner, entry.links, entry.device, entry.size, entry.time, entry.content,
        first[entry.sameAs] ?? "",
      ]
      let text = fields.map { $0.isEmpty ? "-" : abridged($0) }.joined(separator: " ")
      if usual[path] != text { entries[abridged(path)] = text }
    }
    return entries
  }

  private static let usual = [
    ".": "41777 0:0 0 0:0 0 - - -", "./dev": "40755 0:0 0 0:0 0 - - -",
    "./dev/console": "20600 0:0 1 5:1 0 - - -", "./root": "40700 0:0 0 0:0 0 - - -",
  ]

  /// Shortens names that are too long to read, up to 4,095 bytes.
  private static func abridged(_ text: String) -> String {
    let bytes = text.utf8
    guard bytes.count > 120 else { return text }
    let sum = bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    return "\(text.prefix(40))…\(bytes.count)…\(String(sum, radix: 16))"
  }

  /// The answer without the checksums of files and, if the image ends inside a file, without times
  /// that were not set yet.
  public func withoutContents(andTimes isUntimed: Bool) -> KernelAnswer {
    var rest = self
    rest.entries = entries?.mapValues { text in
      var fields = text.split(separator: " ").map(String.init)
      if fields[0].hasPrefix("10") { fields[6] = "-" }
      if isUntimed { fields[5] = "-" }
      return fields.joined(separator: " ")
    }
    return rest
  }

  /// The entries that differ in `other`, one per line.
  public func differences(from other: KernelAnswer) -> [String] {
    guard let entries, let others = other.entries else { return [] }
    return Set(entries.keys).union(others.keys).sorted().compactMap { path in
      let (mine, its) = (entries[path], others[path])
      return mine == its ? nil : "\(path): \(mine ?? "not there"), kernel: \(its ?? "not there")"
    }
  }

  // MARK: The file

  /// The file with the recorded answers.
  public static let file = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Linux-6.12.census").path

  /// The text of a file with `answers`.
  public static func text(_ answers: [KernelAnswer], _ about: [String]) -> String {
    var lines = about.map { "# \($0)" }
    for answer in answers {
      lines.append("batch \(answer.last ?? "")")
      lines += answer.whole.map { "whole \($0)" }
      if let refusal = answer.refusal { lines.append("says \(refusal)") }
      if answer.entries == nil { lines.append("nothing") }
      for (path, text) in (answer.entries ?? [:]).sorted(by: { $0.key < $1.key }) {
        lines.append("\(path) \(text)")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Reads the recorded answers.
  public static func recorded() throws -> [KernelAnswer] {
    var answers: [KernelAnswer] = []
    for line in try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n") {
      let cut = line.firstIndex(of: " ") ?? line.endIndex
      let (word, rest) = (line[..<cut], String(line[cut...].dropFirst()))
      switch word {
      case "#": continue
      case "batch":
        answers.append(KernelAnswer(Batch(), refusal: nil, nil))
        answers[answers.count - 1].last = rest.isEmpty ? nil : rest
        answers[answers.count - 1].entries = [:]
      case "whole": answers[answers.count - 1].whole.append(rest)
      case "says": answers[answers.count - 1].refusal = rest
      case "nothing": answers[answers.count - 1].entries = nil
      default: answers[answers.count - 1].entries?[String(word)] = rest
      }
    }
    return answers
  }
}
