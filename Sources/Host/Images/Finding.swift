// SPDX-License-Identifier: MIT

import Leaf

/// Something about an image that its maker may not know.
public struct Finding: Equatable, Sendable {
  /// How bad it is.
  public enum Level: String, Sendable, Encodable, Comparable {
    /// The kernel stops here, or the image is damaged.
    case error
    /// Something is lost in silence, or does not boot everywhere.
    case warning
    /// Good to know.
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

  /// What it is about; the raw value is its name in JSON.
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
  /// What it is about.
  public var kind: Kind
  /// Which member, counted from 0.
  public var member: Int?
  /// The file in the image, any bytes.
  public var path: [UInt8]?
  /// What is the matter.
  public var text: String
}

/// Findings, of which hostile images have any number: of each kind the first few and a count.
public struct Findings: Equatable, Sendable {
  /// How many of a kind are kept.
  public static let limit = 10

  /// Those that were kept, in the order of the image.
  public private(set) var kept: [Finding] = []
  /// How many there were of each kind.
  public private(set) var counts: [Finding.Kind: Int] = [:]

  mutating func add(
    _ level: Finding.Level, _ kind: Finding.Kind, member: Int? = nil, path: [UInt8]? = nil,
    _ text: String
  ) {
    counts[kind, default: 0] += 1
    guard counts[kind, default: 0] <= Findings.limit else { return }
    kept.append(Finding(level: level, kind: kind, member: member, path: path, text: text))
  }

  /// Adds that a packed image lacks a file of its payload.
  public mutating func addMissing(payloadFile name: String) {
    add(
      .error, .cutShort,
      "the payload has no file \(name): the image is cut short, and PID 1 stops")
  }

  /// Adds that two images are payloads of one name.
  public mutating func addOverwrittenPayload() {
    add(
      .error, .payloadOverwritten,
      "two images are /\(Image.payloadName)/\(Vocabulary.nested)/0000: the second one overwrites "
        + "the first")
  }

  /// Adds that the tree of a packed image has no program that PID 1 starts.
  public mutating func addNoInit() {
    add(.warning, .noInit, "no init in the payload; it needs leafroot_init=PATH, or PID 1 stops")
  }

  /// Forgets all of these kinds.
  public mutating func remove(_ kinds: Set<Finding.Kind>) {
    kept.removeAll { kinds.contains($0.kind) }
    for kind in kinds { counts[kind] = nil }
  }

  /// Those that were kept, the worst first.
  public var sorted: [Finding] {
    // Array.sort is not stable by promise.
    kept.enumerated().sorted { ($0.element.level, $0.offset) < ($1.element.level, $1.offset) }
      .map(\.element)
  }

  /// Whether the image is damaged or refused.
  public var haveError: Bool { kept.contains { $0.level == .error } }
}
