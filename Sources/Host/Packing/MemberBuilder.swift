// SPDX-License-Identifier: MIT

import Encoders
import Files
import Importing
import Initramfs
import Newc
import SystemPackage

/// Gathers files into members: first everything without content, then the regular files in order.
struct MemberBuilder {
  private let packer: Packer
  private let output: FilePath
  private let encoder: MemberEncoder

  /// The filter for xattrs; it records those that the members cannot have.
  private(set) var xattrs: XattrFilter

  /// The current member as newc, and its sidecar with what newc cannot express.
  private var bytes: [UInt8] = []
  private var writer = Writer()
  private var sidecar = SidecarWriter()
  /// The encoder of a file that is too large to hold in memory: it is compressed as it arrives.
  private var large: Encoder?
  /// The number of bytes of the current file still to come.
  private var missing: UInt64 = 0
  private var padding = 0

  /// Files of at least this size get a member of their own.
  private static let largeSize: UInt64 = 64 << 20

  init(_ packer: Packer, _ output: FilePath) {
    self.packer = packer
    self.output = output
    encoder = MemberEncoder(packer.encoding, jobs: packer.jobs)
    xattrs = XattrFilter(leavingOut: packer.xattrsLeftOut)
  }

  /// The next compressed member; nil if it is not ready.
  func take() throws -> MemberEncoder.Encoded? {
    do throws(EncodingFailure) { return try encoder.take() } catch { throw failure(error) }
  }

  /// Adds the first member and the empty files.
  ///
  /// The directories come first: a file with several names may have one in a later directory.
  mutating func addFirst(of files: [TreeFile]) throws {
    for file in files where file.entry.type == .directory { try append(file, []) }
    for file in files where file.entry.type != .directory && file.entry.type != .regular {
      try append(file, file.target)
    }
    try flush()
    for file in files where file.entry.type == .regular && file.dataSize == 0 {
      try append(file, [])
    }
  }

  /// Begins a file whose data follows.
  mutating func begin(_ file: TreeFile) throws {
    try endFile()
    if bytes.count >= packer.memberSize { try flush() }
    missing = file.dataSize
    padding = Writer.padding(after: file.dataSize).count
    if file.dataSize >= Self.largeSize {
      try flush()
      try appendHead(of: file)
      large = try encoding { () throws(EncodingFailure) in try Encoder(packer.encoding) }
      try passToLarge(bytes)
      bytes = []
    } else {
      try appendHead(of: file)
    }
  }

  /// Adds the next bytes of the file.
  mutating func add(_ data: UnsafeRawBufferPointer) throws {
    missing -= min(missing, UInt64(data.count))
    guard let large else { return bytes.append(contentsOf: data) }
    try encoding { () throws(EncodingFailure) in try large.write(data) }
  }

  /// Ends the last member, and waits until all members are compressed.
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
    encoder.addEncoded(
      try encoding { () throws(EncodingFailure) in try large.finish() }, sidecar.take(),
      newcSize: Self.largeSize)
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
    try describe(file)
  }

  /// Appends all names of the file, the last one as the head of its data.
  private mutating func appendHead(of file: TreeFile) throws {
    var entry = file.entry
    entry.size = file.dataSize
    try record { writer, bytes throws(Writer.Refusal) in
      try writer.appendHead(of: entry, names: file.names, to: &bytes)
    }
    try describe(file)
  }

  private mutating func describe(_ file: TreeFile) throws(FileError) {
    try sidecar.describe(file, xattrs.kept(of: file), output)
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

  /// Ends the current member unless it is empty.
  private mutating func flush() throws {
    if bytes.isEmpty { return }
    writer.appendTrailer(to: &bytes)
    let (member, extra) = (bytes, sidecar.take())
    (bytes, writer) = ([], Writer())
    try encoding { () throws(EncodingFailure) in try encoder.add(member, extra) }
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
