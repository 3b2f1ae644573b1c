// SPDX-License-Identifier: MIT

/// An image that says something about how the kernel reads images.
public struct OddImage: Sendable, CustomStringConvertible {
  /// Why the stock kernels of the tests and LeafRoot do not agree on it. Each of these is a
  /// paragraph of Documentation/decisions.md.
  public enum Explanation: String, Sendable {
    /// Kernels before 7.2 read numbers up to the first byte that is no digit, and take "0x"; newer
    /// ones refuse both. We read as the kernel that is named does, or the newest.
    case digits
    /// Kernels without e017671f534d accept a name that does not end with a NUL, and read on past
    /// it. We refuse it, as newer kernels do. It depends on the kernel, so no image names it.
    case unterminatedName
    /// No system call makes a symbolic link without a target; the kernel's own function does.
    case emptyTarget
    /// The compressed data itself is damaged: the kernel refuses it, and so do we, but decompressors
    /// differ in their messages, and in how much they produce before the fault.
    case damagedData
    /// A lzma member that has both its size in the header and an end marker: the kernel stops at
    /// the size and takes the marker for the next member.
    case lzmaMarker
    /// If a record is to be skipped, and its header arrives in two pieces, the kernel continues with
    /// a header that it read earlier.
    case staleHeader
  }

  /// What it is called; also the directory that its entries are in.
  public let name: String
  public let bytes: [UInt8]
  public var explanation: Explanation?
  /// It says something only at the very beginning.
  public var isFirst = false
  /// It changes what is not its own, or fills the image to its end: nothing can be unpacked with
  /// it.
  public var isAlone = false

  public init(_ name: String, _ bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }

  /// Records in the directory `name`, which they can call `here`, and a trailer.
  public init(_ name: String, _ records: (_ here: String) -> [OddRecord]) {
    self.init(name, archive([.directory(name)] + records(name)))
  }

  public func explained(_ explanation: Explanation) -> OddImage {
    var image = self
    image.explanation = explanation
    return image
  }

  public var alone: OddImage {
    var image = self
    image.isAlone = true
    return image
  }

  public var first: OddImage {
    var image = self
    image.isFirst = true
    return image
  }

  public var description: String { name }
}

/// All of them, always the same.
public enum Corpus {
  public static func images() throws -> [OddImage] {
    try fixed() + Mutator.images(200)
  }

  /// Those that somebody thought of.
  public static func fixed() throws -> [OddImage] {
    let images =
      KernelCases.images + Duplicates.images + HardLinks.images + Names.images + Headers.images
      + Layouts.images
    return try images + Members.images() + Streams.images() + Firsts.images()
  }
}
