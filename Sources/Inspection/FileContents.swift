// SPDX-License-Identifier: MIT

public import Initramfs
import Newc
public import SystemPackage

/// The content of one file of an image, as it is when all is unpacked.
///
/// The image is read twice: which record the content came with is known at its end only.
public struct FileContents {
  private let path: [UInt8]
  private let image: FilePath

  /// The file at `path` in `image`; symbolic links are followed.
  public init(_ path: [UInt8], of image: FilePath) {
    self.path = path
    self.image = image
  }

  /// Hands the content to `consume`, piece by piece.
  /// - Throws: ``FileError`` if there is no such file; what `consume` throws.
  public func read(
    _ source: borrowing some ByteSource & ~Copyable, as reader: ImageReader = ImageReader(),
    _ consume: (Span<UInt8>) throws -> Void
  ) throws -> Reading {
    var finder = Finder()
    let reading: Reading
    do {
      reading = try reader.read(source, visiting: &finder)
    } catch let excess as MemoryTree.Excess {
      throw excess.error(image)
    }
    let name = String(decoding: path, as: UTF8.self)
    guard let node = try? finder.tree.find(path, follow: true) else {
      throw FileError(image, "has no file \(name)")
    }
    let file = finder.tree.nodes[node]
    guard file.type == .regular, let record = file.dataRecord else {
      let type = file.type?.name ?? "of unknown type"
      throw FileError(image, "\(name) is \(type), not a regular file")
    }

    try withoutActuallyEscaping(consume) { consume in
      var copier = Copier(record: record, consume: consume)
      do {
        _ = try reader.read(source, visiting: &copier)
      } catch is Copier.Done {}
    }
    return reading
  }
}

private struct Finder: ImageVisitor {
  var tree = MemoryTree()

  mutating func entry(_ record: Record) throws -> Wish {
    try tree.apply(record).node == nil ? .nothing : .verified
  }

  mutating func trailer() { tree.forgetLinks() }
}

private struct Copier: ImageVisitor {
  struct Done: Error {}

  let record: Int
  let consume: (Span<UInt8>) throws -> Void
  private var count = 0

  init(record: Int, consume: @escaping (Span<UInt8>) throws -> Void) {
    self.record = record
    self.consume = consume
  }

  mutating func entry(_ record: Record) throws -> Wish {
    guard count <= self.record else { throw Done() }
    count += 1
    return count == self.record ? .data : .verified
  }

  mutating func data(_ bytes: Span<UInt8>) throws { try consume(bytes) }

  mutating func endOfData() throws { throw Done() }
}
