// SPDX-License-Identifier: MIT

public import Files
public import SystemPackage

/// What a small image could ask too much of, and what ends its inspection.
public enum Excess: Error {
  /// They are kept in memory.
  case files
  /// The names that symbolic links lead through: a path of 4 KiB can lead through 80,000.
  case steps
  /// Names of directories and hard links are kept until the end.
  case names

  var limit: Int {
    switch self {
    case .files: 1_000_000
    case .steps: 4_000_000
    case .names: 256 << 20
    }
  }

  /// The same as an error about the image at `path`.
  public func error(_ path: FilePath) -> FileError {
    let things =
      switch self {
      case .files: "files"
      case .steps: "steps through symbolic links"
      case .names: "bytes of names of directories and hard links"
      }
    return FileError(path, "has more than \(limit) \(things); only --list reads it")
  }
}
