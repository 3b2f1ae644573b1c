// SPDX-License-Identifier: MIT

import Files
import Images

/// A directory whose content becomes a squashfs.
public struct SquashedDirectory: Hashable, Sendable, CustomStringConvertible {
  /// Its path from the root, without a leading slash.
  let path: [UInt8]

  /// Why a directory cannot be squashed.
  public struct Refusal: Error, Equatable, CustomStringConvertible {
    public let description: String
  }

  /// The directories that the system writes to, or mounts over.
  private static let refused: [(name: String, reason: String)] = [
    ("dev", "the kernel mounts a file system there"),
    ("etc", "the boot itself writes there"),
    ("proc", "a file system is mounted there"),
    ("run", "a file system is mounted there"),
    ("sys", "a file system is mounted there"),
    ("tmp", "it is for what is written"),
    ("var", "it is for what is written, and containers' overlays cannot lie in an overlay"),
  ]

  /// Characters that separate options and layers of an overlay.
  private static let separators = Set(",:\\\n".utf8)

  /// - Parameter text: The path, with or without a leading slash.
  /// - Throws: ``Refusal`` for directories that must stay in the tmpfs.
  public init(_ text: String) throws(Refusal) {
    let components = PathWalk<Void>.components(Array(text.utf8))
      .filter { !$0.elementsEqual(".".utf8) }
    guard !components.contains(where: { $0.elementsEqual("..".utf8) }) else {
      throw Refusal(description: "name the directory without '..'")
    }
    guard let first = components.first else {
      throw Refusal(
        description: "the root itself stays a tmpfs: name directories in it, such as /usr")
    }
    if let refused = Self.refused.first(where: { first.elementsEqual($0.name.utf8) }) {
      throw Refusal(
        description: "/\(refused.name) and what is in it stay in the tmpfs: \(refused.reason)")
    }
    path = Array(components.joined(separator: [UInt8(ascii: "/")]))
    guard !path.contains(where: Self.separators.contains) else {
      throw Refusal(
        description: "an overlay takes no path with a comma, a colon, a backslash or a line feed")
    }
  }

  public var description: String { "/" + String(decoding: path, as: UTF8.self) }

  /// Whether `name`, without a leading slash, is a path below the directory.
  func contains(_ name: [UInt8]) -> Bool {
    name.count > path.count && name[path.count] == UInt8(ascii: "/") && name.starts(with: path)
  }

  /// Why not all of `directories` can be squashed; nil if they can.
  public static func conflict(in directories: [SquashedDirectory]) -> String? {
    for (index, one) in directories.enumerated() {
      for other in directories[(index + 1)...] {
        if one == other { return "\(one) is named twice" }
        if one.contains(other.path) { return "\(other) is in \(one), which is squashed as a whole" }
        if other.contains(one.path) { return "\(one) is in \(other), which is squashed as a whole" }
      }
    }
    return nil
  }
}
