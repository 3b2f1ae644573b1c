// SPDX-License-Identifier: MIT

import Files
import SystemPackage

/// The end of a console's log that is still being written: the last line, for a person, and the
/// output of the command.
///
/// The last line is none of the guest's reports, which are for the host, nor of the command.
struct ConsoleTail {
  private let path: FilePath
  private var offset: Int64 = 0
  private var filter = EscapeFilter()
  private var report = GuestReport()
  private var unfinished: [UInt8] = []

  /// The last line so far that is not empty.
  private(set) var lastLine = ""

  init(_ path: FilePath) { self.path = path }

  /// Reads on, and returns what the command has printed since; nothing if the log cannot be read.
  mutating func read() -> [UInt8] {
    guard let file = try? InputFile(path) else { return [] }
    var output: [UInt8] = []
    while let bytes = try? file.bytes(at: offset, count: InputFile.blockSize), !bytes.isEmpty {
      offset += Int64(bytes.count)
      let text = filter.plain(bytes)
      output += report.take(text)
      if report.hasStarted {
        lastLine = report.hasEnded ? "the command ended" : "running the command"
      } else {
        findLastLine(text)
      }
    }
    return output
  }

  /// The rest of the command's output, once the log is complete.
  mutating func finish() -> [UInt8] {
    let output = read()
    return output + report.finish()
  }

  private mutating func findLastLine(_ text: [UInt8]) {
    unfinished += text
    let lines = unfinished.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for line in lines { take(String(decoding: line, as: UTF8.self)) }
    unfinished = Array(lines.last ?? [])
  }

  /// The last line may be unfinished, and is then passed again.
  private mutating func take(_ line: String) {
    if !line.isEmpty, !line.contains(GuestReport.prefix), !GuestReport.prefix.hasPrefix(line) {
      lastLine = line
    }
  }
}
