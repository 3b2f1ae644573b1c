// SPDX-License-Identifier: MIT

import BootFacts
import Files
import Images
import Importing
import Initramfs
import Leaf
import Newc
import SystemPackage
import Unpacking

/// Writes the archive with PID 1 and a payload: `/.leafroot/ID`.
///
/// The payload is named by the first 16 digits of the archive's digest, so that two packed images
/// in one boot do not overwrite each other's files. The digits are written last, in place of zeros.
struct PayloadWriter: ~Copyable {
  /// The number of bytes written.
  private(set) var size: Int64 = 0
  /// The number of files in the payload.
  private(set) var count = 0
  /// The most memory that the decoder of a member takes, in bytes.
  private(set) var decoder = 0

  private let output: OutputFile
  private let modificationTime: UInt32
  private var writer = Writer()
  private var hasher = Hasher(.sha256)
  /// The name of the payload; nil for the digest.
  private let fixedName: String?
  /// The offsets at which to write the digest.
  private var places: [Int64] = []

  /// - Parameters:
  ///   - modificationTime: That of LeafRoot's own files, in seconds since 1970.
  ///   - name: The name of the payload; nil for the digest.
  init(
    _ output: consuming OutputFile, modificationTime: UInt32, name: String? = nil
  ) {
    self.output = output
    self.modificationTime = modificationTime
    fixedName = name
  }

  /// Writes the bytes before the archive.
  mutating func write(front: [UInt8]) throws(FileError) { try put(front) }

  /// Writes one record of the skeleton.
  mutating func write(_ entry: Entry, _ data: [UInt8]) throws(FileError) {
    try append { writer, bytes throws(Writer.Refusal) in
      try writer.append(entry, data: data, to: &bytes)
    }
  }

  /// Writes the payload's directory, and its first file. PID 1 recognises the skeleton by its place
  /// behind this file: `CopyPeriod`.
  mutating func begin() throws(FileError) {
    try write(entry(Self.directory, Self.directoryMode), [])
    notePlace()
    try write(entry(path, Self.directoryMode), [])
    // If no `about` follows it, the image is truncated.
    try write(named: "\(Vocabulary.start)", [])
  }

  /// Writes PID 1 under its names.
  ///
  /// The first name is the file's, the others are symbolic links to it: if a later image has a file
  /// of such a name, the kernel replaces the link and not the program.
  mutating func write(_ program: GuestInit, names: [String]) throws(FileError) {
    for (index, name) in names.enumerated() {
      if index == 0 {
        try write(entry(name, Entry.FileType.regular.rawValue | 0o755), program.bytes)
      } else {
        let link = entry(name, Entry.FileType.symbolicLink.rawValue | 0o777)
        try write(link, Array("/\(names[0])".utf8))
      }
    }
  }

  /// Writes the modules of some kernels. Their names sort in the order in which they are loaded.
  mutating func write(modules kernels: [KernelModules]) throws(FileError) {
    let modules = "\(Vocabulary.modules)"
    try writeDirectory(named: modules)
    for kernel in kernels {
      let directory = "\(modules)/\(kernel.release)"
      try writeDirectory(named: directory)
      for (index, module) in kernel.modules.enumerated() {
        let number = (index < 10 ? "0" : "") + "\(index)"
        try write(named: "\(directory)/\(number)-\(module.name).ko", module.bytes)
      }
    }
  }

  private mutating func writeDirectory(named name: String) throws(FileError) {
    notePlace()
    try write(entry("\(path)/\(name)", Self.directoryMode), [])
  }

  /// Writes the squashfs.
  mutating func write(squash image: InputFile) throws {
    try write(named: "\(Vocabulary.squash)", ImageParts(image), image.path)
  }

  /// Writes the next file of the payload after its sidecar: where the member exists, so does the
  /// sidecar.
  mutating func write(_ member: MemberEncoder.Encoded) throws(FileError) {
    let name = String(decoding: Payload.name(of: count), as: UTF8.self)
    if !member.sidecar.isEmpty { try write(named: "\(name)\(Sidecar.suffix)", member.sidecar) }
    try write(named: name, member.bytes)
    count += 1
    decoder = max(
      decoder, Inspection.workspace(decoderRoom(of: member.bytes), of: member.newcSize))
  }

  /// Writes the whole of `image` as the next file of the payload.
  mutating func write(_ image: Image) throws {
    let name = String(decoding: Payload.name(of: count), as: UTF8.self)
    try write(named: name, image.parts, image.name)
    count += 1
  }

  /// Ends the archive and commits the file.
  consuming func finish(_ about: PayloadManifest, permissions: FilePermissions) throws(FileError)
    -> Int64
  {
    try write(named: "\(Vocabulary.about)", about.text.bytes)
    var bytes: [UInt8] = []
    writer.appendTrailer(to: &bytes)
    let excess = (Int(size) + bytes.count) % Segment.alignment
    if excess > 0 {
      bytes.append(contentsOf: repeatElement(0, count: Segment.alignment - excess))
    }
    try put(bytes)
    let total = size
    let digits = Array(hasher.finish().hex.utf8.prefix(Self.digitCount))
    for place in places { try output.overwrite(digits, at: place) }
    try output.commit(permissions: permissions)
    return total
  }

  private static var directory: String { "\(Vocabulary.payload)" }
  private static let directoryMode = Entry.FileType.directory.rawValue | 0o700
  private static let digitCount = 16

  /// The payload's directory.
  private var path: String {
    Self.directory + "/" + (fixedName ?? String(repeating: "0", count: Self.digitCount))
  }

  private mutating func write(named name: String, _ data: [UInt8]) throws(FileError) {
    notePlace()
    try write(entry("\(path)/\(name)", Entry.FileType.regular.rawValue | 0o600), data)
  }

  /// - Parameter source: The name of `data` in errors.
  private mutating func write(
    named name: String, _ data: ImageParts, _ source: FilePath
  ) throws {
    var head = entry("\(path)/\(name)", Entry.FileType.regular.rawValue | 0o600)
    head.size = UInt64(data.size)
    let entry = head
    notePlace()
    try append { writer, bytes throws(Writer.Refusal) in
      try writer.appendHead(of: entry, to: &bytes)
    }
    try data.forEachBlock(source) { try put($0) }
    try put(Array(Writer.padding(after: head.size)))
  }

  /// Notes where the next record has the payload's name in its path.
  private mutating func notePlace() {
    if fixedName == nil { places.append(size + Int64(Header.size + Self.directory.utf8.count + 1)) }
  }

  private func entry(_ name: String, _ mode: UInt32) -> Entry {
    Entry(name: Array(name.utf8), mode: mode, modificationTime: modificationTime)
  }

  private mutating func append(
    _ body: (inout Writer, inout [UInt8]) throws(Writer.Refusal) -> Void
  ) throws(FileError) {
    var bytes: [UInt8] = []
    do throws(Writer.Refusal) {
      try body(&writer, &bytes)
    } catch {
      throw FileError(output.path, "newc cannot hold a part of the payload: \(error)")
    }
    try put(bytes)
  }

  private mutating func put(_ bytes: [UInt8]) throws(FileError) {
    try output.write(bytes)
    bytes.withUnsafeBytes { hasher.update($0) }
    size += Int64(bytes.count)
  }
}
