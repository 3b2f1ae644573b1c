// SPDX-License-Identifier: MIT

import Files
import Newc
import SystemPackage

/// The named files of a container image, in a directory or a tar archive.
protocol BlobStore {
  /// The store's name in errors.
  var path: FilePath { get }
  /// The size of the file `name`; nil if there is none.
  func size(of name: String) throws -> Int64?
  /// Opens the file `name`, which must exist.
  /// - Parameter onRead: Called with the number of additional bytes read.
  func open(_ name: String, onRead: @escaping (Int64) -> Void) throws -> any ByteStream
}

extension BlobStore {
  /// No registry would accept larger documents.
  private static var documentLimit: Int64 { 4 << 20 }

  /// The content of a small file.
  func document(_ name: String, is digest: Digest? = nil) throws -> [UInt8] {
    guard let size = try size(of: name) else { throw FileError(path, "has no \(name)") }
    guard size <= Self.documentLimit else {
      throw FileError(
        path, found: "\(name) of \(size) bytes", expected: "at most \(Self.documentLimit)")
    }
    var stream = try open(name) { _ in }
    if let digest { stream = VerifiedStream(path, name, stream, is: digest) }
    var bytes: [UInt8] = []
    try stream.forEachBlock { bytes.append(contentsOf: $0) }
    return bytes
  }
}

/// An image in a directory: OCI Image Specification, image-layout.md.
struct BlobDirectory: BlobStore {
  let path: FilePath

  func size(of name: String) -> Int64? {
    guard let status = try? file(name)?.stat(), status.type == .regular else { return nil }
    return status.size
  }

  func open(_ name: String, onRead: @escaping (Int64) -> Void) throws -> any ByteStream {
    guard let file = file(name) else { throw FileError(path, "has no \(name)") }
    return FileStream(try InputFile(file), onRead: onRead)
  }

  /// nil if the name leads out of the directory.
  private func file(_ name: String) -> FilePath? { path.lexicallyResolving(FilePath(name)) }
}

/// An image in a tar archive.
final class BlobArchive: BlobStore {
  let path: FilePath

  private struct File {
    var number: Int
    var size: Int64
    /// The member that has the content, if it is another one.
    var link: String?
  }

  private var members: [String: File] = [:]
  /// Decompresses the archive; called once.
  private let decode: () throws -> InputFile
  private var plain: InputFile?

  /// - Parameters:
  ///   - records: All records of the archive.
  ///   - decode: Returns the decompressed archive.
  init(_ path: FilePath, _ records: [TarRecord], decode: @escaping () throws -> InputFile) {
    self.path = path
    self.decode = decode
    for record in records {
      let entry = record.entry
      guard let name = Self.name(entry.name) else { continue }
      var member = File(number: record.number, size: Int64(clamping: entry.file.size))
      if let link = entry.hardLink {
        member.link = Self.name(link)
      } else if entry.file.type == .symbolicLink {
        // Older versions of docker save write a repeated layer as a symbolic link.
        let end = entry.name.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        member.link = Self.name(entry.name[..<end] + entry.target)
      } else if entry.file.type != .regular {
        continue
      }
      members[name] = member
    }
  }

  /// The path with `.` and `..` resolved; nil if it leads out of the archive.
  private static func name(_ path: [UInt8]) -> String? {
    var components: [ArraySlice<UInt8>] = []
    for component in path.split(separator: UInt8(ascii: "/")) {
      if component.elementsEqual(".".utf8) { continue }
      if component.elementsEqual("..".utf8) {
        guard components.popLast() != nil else { return nil }
      } else {
        components.append(component)
      }
    }
    return components.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
  }

  private func member(_ name: String) -> File? {
    var name = name
    for _ in 0..<8 {
      guard let member = members[name] else { return nil }
      guard let link = member.link else { return member }
      name = link
    }
    return nil
  }

  func size(of name: String) -> Int64? { member(name)?.size }

  func open(_ name: String, onRead: @escaping (Int64) -> Void) throws -> any ByteStream {
    guard let member = member(name) else { throw FileError(path, "has no \(name)") }
    return try withNamesAsBytes {
      let reader = try TarReader(path, FileStream(try plainFile()) { _ in })
      for _ in 0..<member.number {
        guard try reader.next() != nil else {
          throw FileError(path, "has changed while it was read")
        }
      }
      return CountedStream(reader.content(), onRead)
    }
  }

  private func plainFile() throws -> InputFile {
    if let plain { return plain }
    let file = try decode()
    plain = file
    return file
  }
}

/// A stream that reports how much of it has been read.
private final class CountedStream: ByteStream {
  private let stream: any ByteStream
  private let onRead: (Int64) -> Void

  init(_ stream: any ByteStream, _ onRead: @escaping (Int64) -> Void) {
    self.stream = stream
    self.onRead = onRead
  }

  func next() throws -> UnsafeRawBufferPointer {
    let bytes = try stream.next()
    onRead(Int64(bytes.count))
    return bytes
  }
}
