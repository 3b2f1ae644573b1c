// SPDX-License-Identifier: MIT

/// Odd images of one boot: any number that are unpacked to their end, and one that need not be.
public struct Batch: Sendable {
  public var whole: [OddImage] = []
  public var last: OddImage?

  public init(whole: [OddImage] = [], last: OddImage? = nil) {
    (self.whole, self.last) = (whole, last)
  }

  public var names: String { (whole + [last].compactMap { $0 }).map(\.name).joined(separator: " ") }

  /// One image: the program that takes the census first, so that it is there whatever comes; behind
  /// each image a mark. What must be first itself is there alone.
  public func image(_ program: [UInt8]) -> [UInt8] {
    var bytes = archive([.file(".census", "", 0o755).with { $0.data = program }])
    if let first = last, first.isFirst {
      return first.bytes + zeros(-first.bytes.count & 3 + 8) + bytes
    }
    for image in whole {
      // 4 zeros more, which an lz4 member needs behind it.
      bytes += zeros(-bytes.count & 3 + 4) + image.bytes
      bytes += zeros(-bytes.count & 3 + 8) + archive([.file(".done-\(image.name)")])
    }
    if let last { bytes += zeros(-bytes.count & 3 + 4) + last.bytes }
    return bytes
  }

  /// What the kernel has of its own: usr/default_cpio_list.
  public static let builtIn = archive([
    .directory("dev"), .node("dev/console", 0o020600, (5, 1)), .directory("root", 0o700),
  ])
}
