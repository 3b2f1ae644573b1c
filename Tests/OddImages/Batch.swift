// SPDX-License-Identifier: MIT

/// The odd images of one boot: any number that are unpacked whole, and a last one that need not be.
public struct Batch: Sendable {
  public var whole: [OddImage] = []
  public var last: OddImage?

  public init(whole: [OddImage] = [], last: OddImage? = nil) {
    (self.whole, self.last) = (whole, last)
  }

  public var names: String { (whole + [last].compactMap { $0 }).map(\.name).joined(separator: " ") }

  /// Joins the images. The program that takes the census comes first, so that it is unpacked in any
  /// case; a mark follows each image. An image that must be first is the only one.
  public func image(_ program: [UInt8]) -> [UInt8] {
    var bytes = archive([.file(".census", "", 0o755).with { $0.data = program }])
    if let first = last, first.isFirst {
      return first.bytes + zeros(-first.bytes.count & 3 + 8) + bytes
    }
    for image in whole {
      // 4 more zero bytes, which must follow an lz4 member.
      bytes += zeros(-bytes.count & 3 + 4) + image.bytes
      bytes += zeros(-bytes.count & 3 + 8) + archive([.file(".done-\(image.name)")])
    }
    if let last { bytes += zeros(-bytes.count & 3 + 4) + last.bytes }
    return bytes
  }

  /// The kernel's own archive: usr/default_cpio_list.
  public static let builtIn = archive([
    .directory("dev"), .node("dev/console", 0o020600, (5, 1)), .directory("root", 0o700),
  ])
}
