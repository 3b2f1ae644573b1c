// SPDX-License-Identifier: MIT

import Files
public import Initramfs
import Newc
public import SystemPackage

/// The content of one file of an image, as it is after the whole image is unpacked.
///
/// The image is read twice: only at its end is it known which record provides the content.
public struct FileContents {
  private let path: [UInt8]
  private let image: FilePath

  /// The file at `path` in `image`; symbolic links are followed.
  public init(_ path: [UInt8], of image: FilePath) {
    self.path = path
    self.image = image
  }

  /// Hands the content to `consume` in pieces.
  /// - Throws: ``FileError`` if there is no such file; the source's read error; what `consume`
  ///   throws.
  public func read<Source: ImageSource & ~Copyable>(
    _ source: consuming Source, _ rules: KernelRules = KernelRules(),
    _ consume: (UnsafeRawBufferPointer) throws -> Void
  ) throws -> ImageSummary {
    let reader = ImageReader(source, rules)
    let wanted = try InspectionLimit.naming(image) { try findRecord(reader) }
    let summary = reader.summary
    reader.rewind()

    var count = 0
    var holes = HoleFiller(size: 0, [])
    while let event = try reader.next() {
      switch event {
      case .entry(let record):
        count += 1
        // A wrong sum has ended the first reading.
        if count != wanted { reader.passOver() }
        holes = HoleFiller(
          size: record.fileSize,
          record.extra?.sparse?.extents ?? [Extent(offset: 0, count: record.fileSize)])
      case .data(let bytes) where count == wanted: try holes.add(bytes, consume)
      case .dataEnds where count == wanted:
        try holes.finish(consume)
        return summary
      default: break
      }
    }
    return summary
  }

  /// The number of the record that provides the content.
  private func findRecord<Source: ImageSource & ~Copyable>(
    _ reader: ImageReader<Source>
  ) throws -> Int {
    var unpacker = Unpacker(MemoryTree.builtIn())
    while let event = try reader.next() {
      switch event {
      case .entry(let record):
        if try unpacker.apply(record).hasData { reader.skipData() } else { reader.passOver() }
      case .trailer: unpacker.forgetLinks()
      default: break
      }
    }
    let tree = unpacker.files
    let name = String(decoding: path, as: UTF8.self)
    guard let node = tree.find(path, follow: true) else {
      throw FileError(image, "has no file \(name)")
    }
    let file = tree.nodes[node]
    guard file.type == .regular, let record = file.dataRecord else {
      let type = file.type?.name ?? "of unknown type"
      throw FileError(image, "\(name) is \(type), not a regular file")
    }
    return record
  }
}
