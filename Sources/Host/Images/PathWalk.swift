// SPDX-License-Identifier: MIT

/// A path that is being followed in a tree in memory, whose root is its own parent. The tree looks
/// up each name, and says what it leads to. fs/namei.c, `link_path_walk`.
package struct PathWalk<Directory> {
  private let root: Directory
  /// The directories on the way, with their names, from the root on.
  private var passed: [(directory: Directory, name: [UInt8])] = []
  /// Reversed.
  private var rest: [ArraySlice<UInt8>]
  /// include/linux/namei.h, MAXSYMLINKS.
  private var linksLeft = 40

  /// - Parameter components: of the path, from `root` on.
  package init(_ components: [ArraySlice<UInt8>], from root: Directory) {
    self.root = root
    rest = components.reversed()
  }

  /// A walk along `path`, from `root` on.
  package init(_ path: [UInt8], from root: Directory) {
    self.init(Self.components(path), from: root)
  }

  /// The components of a path; empty ones are none.
  package static func components(_ path: [UInt8]) -> [ArraySlice<UInt8>] {
    path.split(separator: UInt8(ascii: "/"))
  }

  package var isAtEnd: Bool { rest.isEmpty }

  /// The directory that it has come to.
  package var directory: Directory { passed.last?.directory ?? root }

  /// The path of what has that name here.
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

  /// Goes on in a directory that has that name here.
  package mutating func enter(_ directory: Directory, _ name: [UInt8]) {
    passed.append((directory, name))
  }

  /// Goes on where a symbolic link here leads.
  /// - Returns: whether that was not one too many.
  package mutating func enter(link target: [UInt8]) -> Bool {
    linksLeft -= 1
    if target.first == UInt8(ascii: "/") { passed = [] }
    rest += Self.components(target).reversed()
    return linksLeft >= 0
  }
}
