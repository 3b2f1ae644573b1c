// SPDX-License-Identifier: MIT

import Images
import Importing
import Newc

/// Follows paths in a tree as the kernel would.
struct PathSearch {
  private let files: [[UInt8]: TreeFile]

  init(_ files: [TreeFile]) {
    self.files = Dictionary(
      files.flatMap { file in file.names.map { ($0, file) } },
      uniquingKeysWith: { first, _ in first })
  }

  /// The path of the first init that the tree has, `preferred` before the usual ones; nil if it has
  /// none.
  func initPath(preferring preferred: String?) -> String? {
    ([preferred].compactMap { $0 } + Inspection.inits).first {
      type(at: Array($0.utf8)) == .regular
    }
  }

  /// What the path leads to, through symbolic links on the way and at its end; nil for nothing.
  func type(at path: [UInt8]) -> Entry.FileType? {
    var rest = Array(Self.components(path).reversed())
    var place: [ArraySlice<UInt8>] = []
    var type = Entry.FileType.directory
    var linksLeft = 40
    while let next = rest.popLast() {
      if next.elementsEqual("..".utf8) {
        _ = place.popLast()
        continue
      }
      place.append(next)
      guard let file = files[Array(place.joined(separator: [UInt8(ascii: "/")]))],
        let found = file.entry.type
      else { return nil }

      if found == .symbolicLink {
        linksLeft -= 1
        if linksLeft < 0 { return nil }
        place.removeLast()
        if file.target.first == UInt8(ascii: "/") { place = [] }
        rest += Self.components(file.target).reversed()
      } else if found == .directory || rest.isEmpty {
        type = found
      } else {
        return nil
      }
    }
    return type
  }

  private static func components(_ path: [UInt8]) -> [ArraySlice<UInt8>] {
    path.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual(".".utf8) }
  }
}
