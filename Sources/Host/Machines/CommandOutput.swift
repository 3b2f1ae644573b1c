// SPDX-License-Identifier: MIT

/// What the guest's command prints, taken out of the bytes of a console as they arrive.
///
/// It begins after the line that the command starts, and ends before the last line that it ended:
/// the command could print such a line itself, so one is kept back until another follows. The
/// guest puts each of its lines at the start of one (Sources/Guest/Guest/Probe.swift).
struct CommandOutput {
  /// The check that comes before the command; nil until then.
  private(set) var check: Check?
  /// Whether the command has started.
  private(set) var hasStarted = false
  /// Bytes that may be the beginning of a mark, or of a line that has one.
  private var pending: [UInt8] = []
  /// The last line that the command ended, if any, and what came after it.
  private var ended: [UInt8] = []
  private var isLineStart = true

  /// With the line end before it, which the guest adds: it is not the command's.
  private let exit: [UInt8]
  private static let mark = Array(Mark.exit.utf8)
  private static let newline = UInt8(ascii: "\n")

  /// - Parameter lineEnd: What a line feed is on the console; a carriage return is taken out
  ///   elsewhere, or comes before it.
  init(lineEnd: String = "\n") { exit = Array(lineEnd.utf8) + CommandOutput.mark }

  /// Whether the guest reported that the command ended, and nothing came after that.
  var hasEnded: Bool { !ended.isEmpty }

  /// The command's output in `bytes`, and what was kept back before.
  mutating func take(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    pending += bytes
    var output: [UInt8] = []
    var rest = pending[...]
    while !rest.isEmpty, let piece = nextPiece(&rest) { output += piece }
    pending = Array(rest)
    return output
  }

  /// The rest of the output, when the machine has ended.
  mutating func finish() -> [UInt8] {
    defer { pending = [] }
    return hasStarted && ended.isEmpty ? pending : []
  }

  /// What was kept back as the command's end, and was not.
  mutating func release() -> [UInt8] {
    defer { ended = [] }
    isLineStart = ended.last == CommandOutput.newline
    return ended
  }

  /// Takes a piece off `bytes` and returns the output in it; nil if the piece is not complete.
  private mutating func nextPiece(_ bytes: inout ArraySlice<UInt8>) -> [UInt8]? {
    guard hasStarted else {
      guard let line = CommandOutput.takeLine(&bytes) else { return nil }
      read(String(decoding: line, as: UTF8.self))
      return []
    }
    if isLineStart {
      switch exitMark(at: bytes) {
      case .no: break
      case .perhaps: return nil
      case .yes(let end):
        defer { (ended, bytes) = (Array(bytes[..<end]), bytes[end...]) }
        return ended
      }
    }
    let end = bytes.firstIndex(of: CommandOutput.newline).map { $0 + 1 } ?? bytes.endIndex
    let piece = bytes[..<end]
    bytes = bytes[end...]
    isLineStart = piece.last == CommandOutput.newline
    guard ended.isEmpty else {
      ended += piece
      return []
    }
    return Array(piece)
  }

  /// A line before the command's output.
  private mutating func read(_ line: String) {
    if check == nil {
      check = Report.check(in: line)
    } else if line.contains(Mark.command) {
      hasStarted = true
    }
  }

  private enum Match {
    case no, perhaps
    /// `end` is the index after its line.
    case yes(end: Int)
  }

  /// Whether `bytes`, at the start of a line, begin with the line that the command ended, or could
  /// once there are more.
  private func exitMark(at bytes: ArraySlice<UInt8>) -> Match {
    for mark in [exit, CommandOutput.mark] {
      if mark.starts(with: bytes) { return .perhaps }
      guard bytes.starts(with: mark) else { continue }
      var rest = bytes.dropFirst(mark.count)
      guard let line = CommandOutput.takeLine(&rest) else { return .perhaps }
      let isExit = Report.status(String(decoding: line, as: UTF8.self)) != nil
      return isExit ? .yes(end: rest.startIndex) : .no
    }
    return .no
  }

  /// Takes a line off `bytes`, with its end; nil if it has none yet.
  private static func takeLine(_ bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let end = bytes.firstIndex(of: newline) else { return nil }
    defer { bytes = bytes[(end + 1)...] }
    return bytes[...end]
  }
}
