// SPDX-License-Identifier: MIT

import Leaf

/// A property of an image that its maker may not know about.
public struct Finding: Equatable, Sendable {
  /// How bad it is.
  public enum Level: String, Sendable, Encodable, Comparable {
    /// The kernel stops at this point, or the image is damaged.
    case error
    /// Something is silently lost, or the image does not boot everywhere.
    case warning
    /// Worth knowing.
    case note

    public static func < (one: Level, other: Level) -> Bool { one.rank < other.rank }

    private var rank: Int {
      switch self {
      case .error: 0
      case .warning: 1
      case .note: 2
      }
    }
  }

  /// The subject of a finding; the raw value is its name in JSON.
  public enum Kind: String, Sendable, Encodable, CaseIterable {
    case refused
    case cutShort = "cut-short"
    case checkWrong = "check-wrong"
    case sidecarWrong = "sidecar-wrong"
    case payloadOverwritten = "payload-overwritten"
    case compressorMissing = "compressor-missing"
    case optionMissing = "option-missing"
    case parentMissing = "parent-missing"
    case nameTooLong = "name-too-long"
    case targetLength = "target-length"
    case typeUnknown = "type-unknown"
    case dataUnexpected = "data-unexpected"
    case nameUnusable = "name-unusable"
    case directoryInTheWay = "directory-in-the-way"
    case linkLost = "link-lost"
    case typeChanged = "type-changed"
    case noInit = "no-init"
    case initNotExecutable = "init-not-executable"
    case noConsole = "no-console"
    case consoleFile = "console-file"
    case lz4Trap = "lz4-trap"
    case oldKernels = "old-kernels"
    case fourGigabytes = "four-gigabytes"
    case microcodeHidden = "microcode-hidden"
  }

  /// How bad it is.
  public var level: Level
  /// The subject.
  public var kind: Kind
  /// The number of the member, counted from 0.
  public var member: Int?
  /// The path of the file in the image, which may be any bytes.
  public var path: [UInt8]?
  /// The message.
  public var text: String
}

/// The findings about an image. A hostile image can cause any number of them, so only the first few
/// of each kind are kept, with a count.
public struct Findings: Equatable, Sendable {
  /// The number of findings kept per kind.
  public static let limit = 10

  /// The kept findings, in the order of the image.
  public private(set) var kept: [Finding] = []
  /// The number of findings of each kind, kept or not.
  public private(set) var counts: [Finding.Kind: Int] = [:]

  mutating func add(
    _ level: Finding.Level, _ kind: Finding.Kind, member: Int? = nil, path: [UInt8]? = nil,
    _ text: String
  ) {
    counts[kind, default: 0] += 1
    guard counts[kind, default: 0] <= Findings.limit else { return }
    kept.append(Finding(level: level, kind: kind, member: member, path: path, text: text))
  }

  /// Adds that the payload of a packed image lacks a file.
  public mutating func addMissing(payloadFile name: String) {
    add(
      .error, .cutShort,
      "the payload has no file \(name): the image is cut short, and PID 1 stops")
  }

  /// Adds that two images are payloads of the same name.
  public mutating func addOverwrittenPayload() {
    add(
      .error, .payloadOverwritten,
      "two images are /\(Image.payloadName)/\(Vocabulary.nested)/0000: the second one overwrites "
        + "the first")
  }

  /// Adds that the payload's tree has no program for PID 1 to start.
  public mutating func addNoInit() {
    add(.warning, .noInit, "no init in the payload; it needs leafroot_init=PATH, or PID 1 stops")
  }

  /// Removes all findings of these kinds.
  public mutating func remove(_ kinds: Set<Finding.Kind>) {
    kept.removeAll { kinds.contains($0.kind) }
    for kind in kinds { counts[kind] = nil }
  }

  /// The kept findings, worst first.
  public var sorted: [Finding] {
    // Array.sort is not guaranteed to be stable.
    kept.enumerated().sorted { ($0.element.level, $0.offset) < ($1.element.level, $1.offset) }
      .map(\.element)
  }

  /// Whether the image is damaged or refused.
  public var haveError: Bool { kept.contains { $0.level == .error } }
}
