// SPDX-License-Identifier: MIT

/// The state of following a path in a tree in memory whose root is its own parent. The tree looks
/// up each name and says what it leads to. fs/namei.c, `link_path_walk`.
package struct PathWalk<Directory> {
  private let root: Directory
  /// The directories passed so far, with their names, from the root on.
  private var passed: [(directory: Directory, name: [UInt8])] = []
  /// The remaining components, reversed.
  private var rest: [ArraySlice<UInt8>]
  /// include/linux/namei.h, MAXSYMLINKS.
  private var linksLeft = 40

  /// - Parameter components: The path's components, from `root` on.
  package init(_ components: [ArraySlice<UInt8>], from root: Directory) {
    self.root = root
    rest = components.reversed()
  }

  /// Starts a walk along `path` from `root`.
  package init(_ path: [UInt8], from root: Directory) {
    self.init(Self.components(path), from: root)
  }

  /// The non-empty components of a path.
  package static func components(_ path: [UInt8]) -> [ArraySlice<UInt8>] {
    path.split(separator: UInt8(ascii: "/"))
  }

  package var isAtEnd: Bool { rest.isEmpty }

  /// The current directory.
  package var directory: Directory { passed.last?.directory ?? root }

  /// The path of `name` in ``directory``.
  package func path(of name: [UInt8]) -> [UInt8] {
    Array((passed.map(\.name) + [name]).joined(separator: [UInt8(ascii: "/")]))
  }

  /// The next name in ``directory``; nil at the end.
  package mutating func next() -> [UInt8]? {
    while let next = rest.popLast() {
      if next.elementsEqual("..".utf8) {
        _ = passed.popLast()
      } else if !next.elementsEqual(".".utf8) {
        return Array(next)
      }
    }
    return nil
  }

  /// Continues in `directory`, which is called `name` here.
  package mutating func enter(_ directory: Directory, _ name: [UInt8]) {
    passed.append((directory, name))
  }

  /// Continues along the target of a symbolic link.
  /// - Returns: Whether the limit of links is kept.
  package mutating func enter(link target: [UInt8]) -> Bool {
    linksLeft -= 1
    if target.first == UInt8(ascii: "/") { passed = [] }
    rest += Self.components(target).reversed()
    return linksLeft >= 0
  }
}
