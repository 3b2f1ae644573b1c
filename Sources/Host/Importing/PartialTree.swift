// SPDX-License-Identifier: MIT

import Newc
public import SystemPackage

/// Some of the files of a tree, each with some of its names.
public struct PartialTree: TreeSource {
  public let files: [TreeFile]

  private let whole: any TreeSource
  /// The files of the part by their indices in the whole tree.
  private let indices: [Int: Int]

  /// - Parameter files: The files, each with its index in `whole`.
  package init(of whole: any TreeSource, _ files: [(index: Int, file: TreeFile)]) {
    let sorted = files.sorted { one, other in
      one.file.names[0].lexicographicallyPrecedes(other.file.names[0])
    }
    self.whole = whole
    self.files = sorted.map(\.file)
    indices = Dictionary(
      uniqueKeysWithValues: sorted.enumerated().map { ($0.element.index, $0.offset) })
  }

  public var permissions: FilePermissions { whole.permissions }

  public func readContents(
    of isWanted: (Int) -> Bool, progress: @escaping (Int64, Int64) -> Void,
    begin: (Int) throws -> Void, data: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try whole.readContents(
      of: { indices[$0].map(isWanted) ?? false }, progress: progress,
      begin: { if let index = indices[$0] { try begin(index) } }, data: data)
  }
}

extension TreeFile {
  /// The same file, with only these of its names.
  package func named(_ names: [[UInt8]]) -> TreeFile {
    var file = self
    file.names = names
    file.entry.name = names[0]
    file.entry.linkCount = UInt32(names.count)
    return file
  }
}
