// SPDX-License-Identifier: MIT

import Files
package import SystemPackage

/// A resource that a small image could exhaust; exceeding the limit ends the inspection.
package enum InspectionLimit: Error {
  /// File names, including hard links: they are kept in memory.
  case files
  /// Names traversed through symbolic links: a path of 4 KiB can lead through 80,000.
  case steps
  /// Names of directories and hard links, which are kept until the end.
  case names

  package var limit: Int {
    switch self {
    case .files: 1_000_000
    case .steps: 4_000_000
    case .names: 256 << 20
    }
  }

  private var things: String {
    switch self {
    case .files: "names of files"
    case .steps: "steps through symbolic links"
    case .names: "bytes of names of directories and hard links"
    }
  }

  func error(_ path: FilePath) -> FileError {
    FileError(path, "has more than \(limit) \(things); only 'leafroot inspect --list' reads it")
  }

  /// Runs `body` and turns an exceeded limit into an error about the image at `path`.
  package static func naming<Result>(
    _ path: FilePath, _ body: () throws -> Result
  ) throws -> Result {
    do {
      return try body()
    } catch let limit as InspectionLimit {
      throw limit.error(path)
    }
  }
}
