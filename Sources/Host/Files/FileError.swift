// SPDX-License-Identifier: MIT

public import SystemPackage

/// A fault of a file that the user named.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong.
  public enum Fault: Equatable, Sendable {
    /// A system call failed. Reads `cannot ACT FILE: no such file or directory`.
    case call(act: String, Errno)
    /// The bytes are wrong. Reads `FILE: offset N: found X, expected Y`.
    case bytes(offset: Int64?, found: String, expected: String)
    /// The file as a whole is wrong. Reads `FILE: is a directory, not a regular file`.
    case state(String)
  }

  /// The file, as the user named it; `-` for standard input, or standard output when writing.
  public var path: FilePath
  /// What is wrong.
  public var fault: Fault

  /// The bytes of `path` are wrong, at `offset` from its start, if known.
  public init(_ path: FilePath, offset: Int64? = nil, found: String, expected: String) {
    self.path = path
    fault = .bytes(offset: offset, found: found, expected: expected)
  }

  /// `path` as a whole is wrong: `FILE: STATE`.
  public init(_ path: FilePath, _ state: String) {
    self.path = path
    fault = .state(state)
  }

  /// The system call to `act` on `path` failed.
  public init(_ path: FilePath, cannot act: String, _ errno: Errno) {
    self.path = path
    fault = .call(act: act, errno)
  }

  public var description: String {
    switch fault {
    case .call(let act, let errno):
      let name = path == "-" && act == "write" ? "standard output" : name
      return "cannot \(act) \(name): \(errno.reason)"
    case .bytes(let offset, let found, let expected):
      let place = offset.map { "offset \($0): " } ?? ""
      return "\(name): \(place)found \(found), expected \(expected)"
    case .state(let text): return "\(name): \(text)"
    }
  }

  private var name: String { path == "-" ? "standard input" : path.string }

  /// Runs `body` and turns the error number it throws into an error that names the act and the
  /// file.
  package static func naming<Result: ~Copyable>(
    _ path: FilePath, cannot act: String, _ body: () throws -> Result
  ) throws(FileError) -> Result {
    do {
      return try body()
    } catch let error as Errno {
      throw FileError(path, cannot: act, error)
    } catch let error as FileError {
      throw error
    } catch {
      throw FileError(path, "\(error)")
    }
  }
}

extension Errno {
  /// strerror(3), in lower case for use inside a sentence.
  package var reason: String { description.prefix(1).lowercased() + description.dropFirst() }
}
