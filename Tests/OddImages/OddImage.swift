// SPDX-License-Identifier: MIT

/// An image that shows something about how the kernel reads images.
public struct OddImage: Sendable, CustomStringConvertible {
  /// Why the stock kernels of the tests and LeafRoot disagree on it. Each case is a paragraph of
  /// Documentation/decisions.md.
  public enum Explanation: String, Sendable {
    /// Kernels before 7.2 read numbers up to the first byte that is not a digit, and accept "0x";
    /// newer ones refuse both. We behave like the given kernel, or the newest.
    case digits
    /// Kernels without e017671f534d accept a name that does not end with a NUL, and read past it.
    /// We refuse it, like newer kernels. It depends on the kernel, so no image names this case.
    case unterminatedName
    /// No system call makes a symbolic link without a target; the kernel's own function does.
    case emptyTarget
    /// The compressed data itself is damaged. The kernel and we refuse it, but decompressors differ
    /// in their messages and in how much they produce before the fault.
    case damagedData
    /// An lzma member with both a size in the header and an end marker: the kernel stops at the
    /// size and takes the marker for the next member.
    case lzmaMarker
    /// If a record is to be skipped and its header arrives in two pieces, the kernel continues with
    /// a header that it read earlier.
    case staleHeader
  }

  /// The name of the image, and of the directory that contains its entries.
  public let name: String
  public let bytes: [UInt8]
  public var explanation: Explanation?
  /// Whether the image is only useful at the very beginning.
  public var isFirst = false
  /// Whether nothing can be unpacked together with it: it changes files of others, or extends to
  /// the end.
  public var isAlone = false

  public init(_ name: String, _ bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }

  /// An image with records in the directory `name`, passed to them as `here`, and a trailer.
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

/// All odd images, always the same.
public enum Corpus {
  public static func images() throws -> [OddImage] {
    try fixed() + Mutator.images(200)
  }

  /// The handwritten images.
  public static func fixed() throws -> [OddImage] {
    let images =
      KernelCases.images + Duplicates.images + HardLinks.images + Names.images + Headers.images
      + Layouts.images
    return try images + Members.images() + Streams.images() + Firsts.images()
  }
}
