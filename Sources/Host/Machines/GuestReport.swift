// SPDX-License-Identifier: MIT

import FoundationEssentials
import Leaf

/// The guest's reports, which are `@leafroot …` lines on its console
/// (Sources/Guest/Guest/Probe.swift), and the command's output between them, extracted from the
/// bytes as they arrive.
///
/// The output begins after the line that says that the command starts, and ends before the last
/// line that says that it ended. The command could print such a line itself, so it is held back
/// until another one follows. The guest starts each report on a new line, but the kernel may print
/// before it.
struct GuestReport {
  /// The prefix of all reports.
  static let prefix = "\(Vocabulary.reportPrefix)"
  /// A message of LeafRoot in the kernel's log.
  static let log = prefix + "\(Vocabulary.logReport)"
  /// The result of the check.
  private static let checkPrefix = prefix + "\(Vocabulary.checkReport)"
  /// The command is about to start.
  private static let start = prefix + "\(Vocabulary.commandReport)"
  /// The command has ended, with this status.
  private static let exit = Array((prefix + "\(Vocabulary.exitReport)").utf8)
  private static let newline = UInt8(ascii: "\n")

  /// The first check, since the command could print another; nil until it ran.
  private(set) var check: Check?
  /// Whether the command has started.
  private(set) var hasStarted = false
  /// The exit status of the command; nil until it has ended.
  private(set) var status: Int?
  /// Whether the command's output lacks a final line end, so that the guest added one.
  private(set) var isLineUnfinished = false
  /// Bytes that may be the beginning of a report.
  private var pending: [UInt8] = []
  /// The last line that says that the command ended, if any, and everything after it.
  private var ended: [UInt8] = []
  private var isLineStart = true

  /// The possible beginnings of the line that says that the command ended; one includes the line
  /// end that the guest adds, which is not part of the output.
  private let exits: [[UInt8]]

  /// - Parameter lineEnd: The console's form of a line feed: with a carriage return before it,
  ///   unless those have been removed.
  init(lineEnd: String = "\n") { exits = [Array(lineEnd.utf8) + Self.exit, Self.exit] }

  /// Whether the last line says that the command ended.
  var hasEnded: Bool { !ended.isEmpty }

  /// Returns the command's output in `bytes` and in bytes held back before.
  mutating func take(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    pending += bytes
    var output: [UInt8] = []
    var rest = pending[...]
    while !rest.isEmpty, let piece = nextPiece(&rest) { output += piece }
    pending = Array(rest)
    return output
  }

  /// Returns the rest of the output once the machine has ended, perhaps in the middle of a line.
  mutating func finish() -> [UInt8] {
    let isWhole = pending.isEmpty || pending.last == Self.newline
    let output = isWhole ? [] : take([Self.newline]).dropLast()
    defer { pending = [] }
    return output + (hasStarted && ended.isEmpty ? pending.dropLast(isWhole ? 0 : 1) : [])
  }

  /// Returns the bytes that were held back as the command's end but were not.
  mutating func release() -> [UInt8] {
    defer { ended = [] }
    isLineStart = ended.last == Self.newline
    return ended
  }

  /// Removes a piece from `bytes` and returns the output in it; nil if the piece is incomplete.
  private mutating func nextPiece(_ bytes: inout ArraySlice<UInt8>) -> [UInt8]? {
    guard hasStarted else {
      guard let line = Self.takeLine(&bytes) else { return nil }
      read(String(decoding: line, as: UTF8.self))
      return []
    }
    if isLineStart {
      switch exitLine(at: bytes) {
      case .no: break
      case .perhaps: return nil
      case .yes(let status, let end, let isLineUnfinished):
        (self.status, self.isLineUnfinished) = (status, isLineUnfinished)
        defer { (ended, bytes) = (Array(bytes[..<end]), bytes[end...]) }
        return ended
      }
    }
    let end = bytes.firstIndex(of: Self.newline).map { $0 + 1 } ?? bytes.endIndex
    let piece = bytes[..<end]
    bytes = bytes[end...]
    isLineStart = piece.last == Self.newline
    guard ended.isEmpty else {
      ended += piece
      return []
    }
    return Array(piece)
  }

  /// Reads a line before the command's output.
  private mutating func read(_ line: String) {
    if check == nil {
      check = Self.check(in: line)
    } else if line.contains(Self.start) {
      hasStarted = true
    }
  }

  private static func check(in line: String) -> Check? {
    guard let range = line.firstRange(of: checkPrefix) else { return nil }
    return try? JSONDecoder().decode(Check.self, from: Data(line[range.upperBound...].utf8))
  }

  private enum Match {
    case no, perhaps
    /// `end` is the index after its line.
    case yes(status: Int, end: Int, isLineUnfinished: Bool)
  }

  /// Whether `bytes`, at the start of a line, begin with the line that says that the command ended,
  /// or may do so with more bytes.
  private func exitLine(at bytes: ArraySlice<UInt8>) -> Match {
    for exit in exits {
      if exit.starts(with: bytes) { return .perhaps }
      guard bytes.starts(with: exit) else { continue }
      var rest = bytes.dropFirst(exit.count)
      guard let line = Self.takeLine(&rest) else { return .perhaps }
      let number = String(decoding: line, as: UTF8.self).filter { !$0.isWhitespace }
      guard let status = Int(number) else { return .no }
      return .yes(status: status, end: rest.startIndex, isLineUnfinished: exit == Self.exit)
    }
    return .no
  }

  /// Removes a line, including its end, from `bytes`; nil if it has no end yet.
  private static func takeLine(_ bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let end = bytes.firstIndex(of: newline) else { return nil }
    defer { bytes = bytes[(end + 1)...] }
    return bytes[...end]
  }
}
