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

  /// The path of the first init in the tree, trying `preferred` before the usual ones; nil if there
  /// is none.
  func initPath(preferring preferred: String?) -> String? {
    ([preferred].compactMap { $0 } + Inspection.inits).first {
      type(at: Array($0.utf8)) == .regular
    }
  }

  /// The first component of `path` that is a symbolic link; nil if none is.
  func firstLink(on path: [UInt8]) -> TreeFile? {
    let slash = UInt8(ascii: "/")
    let ends = path.indices.filter { path[$0] == slash } + [path.endIndex]
    return ends.lazy.compactMap { files[Array(path[..<$0])] }
      .first { $0.entry.type == .symbolicLink }
  }

  /// The type of the file at `path`, following symbolic links; nil if there is none.
  func type(at path: [UInt8]) -> Entry.FileType? {
    var walk = PathWalk(path, from: ())
    while let name = walk.next() {
      guard let file = files[walk.path(of: name)], let type = file.entry.type else { return nil }
      switch type {
      case .directory: walk.enter((), name)
      case .symbolicLink:
        guard walk.enter(link: file.target) else { return nil }
      default: return walk.isAtEnd ? type : nil
      }
    }
    return .directory
  }
}
