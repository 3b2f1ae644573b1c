// SPDX-License-Identifier: MIT

import Importing
import Inspection

/// Finds the init of a tree.
struct InitSearch {
  private let files: [[UInt8]: TreeFile]

  init(_ files: [TreeFile]) {
    self.files = Dictionary(
      files.flatMap { file in file.names.map { ($0, file) } },
      uniquingKeysWith: { first, _ in first })
  }

  /// The path of the first that the tree has, `preferred` before the usual ones; nil if it has none.
  func path(preferring preferred: String?) -> String? {
    ([preferred].compactMap { $0 } + Inspection.inits).first(where: hasFile)
  }

  /// Whether the path leads to a file, through symbolic links as the kernel follows them.
  private func hasFile(at path: String) -> Bool {
    var rest = Array(Self.components(Array(path.utf8)).reversed())
    var place: [ArraySlice<UInt8>] = []
    var linksLeft = 40
    while let next = rest.popLast() {
      if next.elementsEqual("..".utf8) {
        _ = place.popLast()
        continue
      }
      place.append(next)
      guard let file = files[Array(place.joined(separator: [UInt8(ascii: "/")]))] else {
        return false
      }
      guard file.entry.type == .symbolicLink else {
        if rest.isEmpty { return file.entry.type == .regular }
        continue
      }
      linksLeft -= 1
      if linksLeft < 0 { return false }
      place.removeLast()
      if file.target.first == UInt8(ascii: "/") { place = [] }
      rest += Self.components(file.target).reversed()
    }
    return false
  }

  private static func components(_ path: [UInt8]) -> [ArraySlice<UInt8>] {
    path.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual(".".utf8) }
  }
}
