// SPDX-License-Identifier: MIT

import Encoding
import Files
import Importing
import Newc
import SystemPackage

/// Gathers files into members: what has no content first, then the regular files in their order.
struct MemberBuilder {
  private let packer: Packer
  private let output: FilePath
  private let encoder: MemberEncoder

  /// The member that is being made, as newc.
  private var bytes: [UInt8] = []
  private var writer = Writer()
  /// A file that is too large to be held: it is compressed as it comes.
  private var large: Encoder?
  /// Bytes of the current file that are still to come.
  private var missing: UInt64 = 0
  private var padding = 0

  /// A file of this size gets a member of its own.
  private static let largeSize: UInt64 = 64 << 20

  init(_ packer: Packer, _ output: FilePath) {
    self.packer = packer
    self.output = output
    encoder = MemberEncoder(packer.encoding, jobs: packer.jobs)
  }

  /// The next member, if it is compressed.
  func take() throws -> [UInt8]? {
    do throws(EncodingFailure) { return try encoder.take() } catch { throw failure(error) }
  }

  /// The first member, and the empty files.
  mutating func addFirst(of files: [TreeFile]) throws {
    for file in files where file.entry.type != .regular { try append(file, file.target) }
    try flush()
    for file in files where file.entry.type == .regular && file.entry.size == 0 {
      try append(file, [])
    }
  }

  /// A file with content, whose data follow.
  mutating func begin(_ file: TreeFile) throws {
    try endFile()
    if bytes.count >= packer.memberSize { try flush() }
    missing = file.entry.size
    padding = Writer.padding(after: file.entry.size).count
    if file.entry.size >= Self.largeSize {
      try flush()
      try appendHead(of: file)
      large = try encoding { () throws(EncodingFailure) in try Encoder(packer.encoding) }
      try passToLarge(bytes)
      bytes = []
    } else {
      try appendHead(of: file)
    }
  }

  /// The next bytes of the file.
  mutating func add(_ data: UnsafeRawBufferPointer) throws {
    missing -= min(missing, UInt64(data.count))
    guard let large else { return bytes.append(contentsOf: data) }
    try encoding { () throws(EncodingFailure) in try large.write(data) }
  }

  /// Ends the last member, and waits until all are compressed.
  mutating func finish() throws {
    try endFile()
    try flush()
    encoder.end()
  }

  // MARK: Records

  private mutating func endFile() throws {
    guard missing == 0 else {
      throw FileError(
        output, "the source has changed while it was read: \(missing) bytes are missing")
    }
    let zeros = [UInt8](repeating: 0, count: padding)
    padding = 0
    guard let large else { return bytes.append(contentsOf: zeros) }
    var rest = zeros
    writer.appendTrailer(to: &rest)
    try passToLarge(rest)
    encoder.addEncoded(try encoding { () throws(EncodingFailure) in try large.finish() })
    self.large = nil
    writer = Writer()
  }

  private func passToLarge(_ bytes: [UInt8]) throws {
    guard let large else { return }
    try encoding { () throws(EncodingFailure) in try large.write(bytes) }
  }

  private mutating func append(_ file: TreeFile, _ data: [UInt8]) throws {
    try record { writer, bytes throws(Writer.Refusal) in
      if file.names.count > 1 {
        try writer.append(file.entry, names: file.names, data: data, to: &bytes)
      } else {
        try writer.append(file.entry, data: data, to: &bytes)
      }
    }
  }

  /// All names of the file but the last, and the head of that.
  private mutating func appendHead(of file: TreeFile) throws {
    try record { writer, bytes throws(Writer.Refusal) in
      try writer.appendHead(of: file.entry, names: file.names, to: &bytes)
    }
  }

  private mutating func record(
    _ body: (inout Writer, inout [UInt8]) throws(Writer.Refusal) -> Void
  ) throws {
    do throws(Writer.Refusal) {
      try body(&writer, &bytes)
    } catch {
      throw FileError(output, "newc cannot hold a file of the tree: \(error)")
    }
  }

  /// Ends the member that is being made, if it has anything.
  private mutating func flush() throws {
    if bytes.isEmpty { return }
    writer.appendTrailer(to: &bytes)
    let member = bytes
    (bytes, writer) = ([], Writer())
    try encoding { () throws(EncodingFailure) in try encoder.add(member) }
  }

  private func encoding<Value>(
    _ body: () throws(EncodingFailure) -> Value
  ) throws -> Value {
    do throws(EncodingFailure) { return try body() } catch { throw failure(error) }
  }

  private func failure(_ failure: EncodingFailure) -> FileError {
    FileError(output, "cannot compress: \(failure.reason)")
  }
}
