// SPDX-License-Identifier: MIT

public import SystemPackage

/// What is wrong with a file that the user named: the one error of the host side.
///
/// Reads `FILE: offset N: found X, expected Y`.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file, as the user named it.
  public var path: FilePath
  /// Bytes from the start of the file to what was found, where that says anything.
  public var offset: Int64?
  /// What is there.
  public var found: String
  /// What should be there.
  public var expected: String

  /// An error about `path`.
  public init(_ path: FilePath, offset: Int64? = nil, found: String, expected: String) {
    self.path = path
    self.offset = offset
    self.found = found
    self.expected = expected
  }

  /// An error that the system gave for `path`: `found` is the name that errno(3) has for it.
  public init(_ path: FilePath, _ errno: Errno, expected: String) {
    let name = errno.description
    self.init(path, found: name.prefix(1).lowercased() + name.dropFirst(), expected: expected)
  }

  public var description: String {
    let place = offset.map { "offset \($0): " } ?? ""
    return "\(path): \(place)found \(found), expected \(expected)"
  }

  /// Runs `body` and names the file in the error number that it throws.
  package static func naming<Result: ~Copyable>(
    _ path: FilePath, expected: String, _ body: () throws -> Result
  ) throws(FileError) -> Result {
    do {
      return try body()
    } catch let error as Errno {
      throw FileError(path, error, expected: expected)
    } catch let error as FileError {
      throw error
    } catch {
      throw FileError(path, found: "\(error)", expected: expected)
    }
  }
}
