// SPDX-License-Identifier: MIT

import Files
import SystemPackage

/// The log of a console that is still being written.
struct ConsoleTail {
  private let path: FilePath
  private var offset: Int64 = 0
  private var reader = ConsoleReader()

  init(_ path: FilePath) { self.path = path }

  /// The last line so far; see ``ConsoleReader/lastLine``.
  var lastLine: String { reader.lastLine }

  /// Reads more of the log, and returns the command's output in it.
  mutating func read() throws(FileError) -> [UInt8] {
    let file = try InputFile(path)
    var output: [UInt8] = []
    while true {
      let bytes = try file.bytes(at: offset, count: InputFile.blockSize)
      if bytes.isEmpty { return output }
      offset += Int64(bytes.count)
      output += reader.take(bytes)
    }
  }

  /// Returns the rest of the command's output once the log is complete.
  mutating func finish() throws(FileError) -> [UInt8] { try read() + reader.finish() }

  /// Rewrites the log without escape sequences, and returns it.
  func cleaned() throws(FileError) -> Console {
    let console = reader.console
    let output = try OutputFile(path)
    try output.write(Array(console.text.utf8))
    try output.commit(permissions: InputFile(path).permissions)
    return console
  }
}
