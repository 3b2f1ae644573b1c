// SPDX-License-Identifier: MIT

import Foundation
public import SystemPackage
import Tree

/// A directory that is removed with this object.
public final class TemporaryDirectory: Sendable {
  public let path: FilePath

  /// - Parameter parent: The parent directory; nil for TMPDIR.
  public init(below parent: String? = nil) throws {
    let parent = parent.map { URL(filePath: $0) } ?? FileManager.default.temporaryDirectory
    let url = parent.appending(path: "leafroot-test-\(UUID())")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
    path = FilePath(url.path)
  }

  deinit {
    // Trees of odd images can be deeper than the longest path, where FileManager fails.
    if let directory = try? FileDescriptor.open(path, .readOnly, options: .directory) {
      try? empty(directory.rawValue)
      try? directory.close()
    }
    _ = path.withPlatformString { rmdir($0) }
  }

  /// The names in it, sorted, including hidden ones.
  public var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: path.string).sorted() }
  }

  /// The names in one of its subdirectories, sorted.
  public func names(in name: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path.appending(name).string).sorted()
  }

  /// Makes a file in it.
  @discardableResult
  public func file(_ name: String, _ bytes: [UInt8], permissions: Int = 0o644) throws -> FilePath {
    let file = path.appending(name)
    try Data(bytes).write(to: URL(filePath: file.string))
    try FileManager.default.setAttributes(
      [.posixPermissions: permissions], ofItemAtPath: file.string)
    return file
  }

  /// Runs a script in it, which must succeed.
  /// - Returns: The script's output.
  @discardableResult
  public func shell(_ script: String) throws -> [UInt8] {
    try Command(["bash", "-ec", script], in: path).output()
  }

  /// Removes one of its subdirectories and everything in it.
  public func removeTree(_ name: String) throws {
    try FileManager.default.removeItem(atPath: path.appending(name).string)
  }

  /// The content of a file in it.
  public func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: path.appending(name).string)))
  }

  /// The permission bits of a file in it.
  public func permissions(_ name: String) throws -> Int? {
    let attributes = try FileManager.default.attributesOfItem(
      atPath: path.appending(name).string)
    return attributes[.posixPermissions] as? Int
  }
}
