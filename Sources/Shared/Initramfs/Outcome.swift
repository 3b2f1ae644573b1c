// SPDX-License-Identifier: MIT

public import Newc

/// What a record did to the tree.
public enum Outcome: Equatable, Sendable {
  case made
  /// It rewrote an existing entry of the same type.
  case rewritten
  /// It first removed a file of that type.
  case replaced(Entry.FileType)
  /// It made another name of a file.
  case linked
  case lost(Loss)

  var isLoss: Bool { if case .lost = self { true } else { false } }
}

/// xattrs that a file system or its owner did not accept.
public struct MissingXattrs: Equatable, Sendable {
  public private(set) var count = 0
  /// The first of them, or the first failure.
  public private(set) var first: Loss?

  /// Whether the file system has failed, rather than refused the first.
  package var isFailure: Bool { first.map { ErrorNumber.isFailure($0.code) } ?? false }

  public struct Loss: Equatable, Sendable {
    /// The path of the file.
    public var path: [UInt8]
    /// The name of the xattr.
    public var name: [UInt8]
    /// A positive errno.
    public var code: Int32
  }

  public init() {}

  /// Records a call's result. A missing file has lost more than its xattrs, which was reported.
  mutating func note(_ result: Int, _ path: [UInt8], _ xattr: Xattr) {
    if result >= 0 || result == -Int(ErrorNumber.noEntry) { return }
    count += 1
    let code = Int32(-result)
    if first == nil || ErrorNumber.isFailure(code) && !isFailure {
      first = Loss(path: path, name: xattr.name, code: code)
    }
  }

  /// Adds those of another unpacker.
  public mutating func add(_ other: MissingXattrs) {
    count += other.count
    if first == nil || other.isFailure && !isFailure { first = other.first }
  }
}

/// Why an entry is not in the tree.
public struct Loss: Equatable, Sendable {
  /// The call that failed.
  public var step: UnpackStep
  /// A positive errno; 0 for ``UnpackStep/type``.
  public var code: Int32

  /// Whether a path that the entry needs does not exist: its directory, or a hard link's first name.
  public var isPathMissing: Bool {
    code == ErrorNumber.noEntry || code == ErrorNumber.notDirectory
  }
}

/// The purpose of a call.
public enum UnpackStep: Sendable {
  case stat, open, mkdir, mknod, symlink, link, remove, chown, chmod, truncate, write, utime
  case setxattr
  /// The mode has no file type.
  case type
  /// More would have to be kept than is allowed.
  case memory
}

/// A failure that is not the archive's fault, and ends the unpacking.
public struct UnpackFailure: Error, Equatable {
  public var step: UnpackStep
  /// A positive errno.
  public var code: Int32
  /// The entry it happened to.
  public var name: [UInt8]

  package init(step: UnpackStep, code: Int32, name: [UInt8]) {
    self.step = step
    self.code = code
    self.name = name
  }
}

/// A record that is missing from the tree, wholly or in part.
public struct LostRecord: Equatable, Sendable {
  /// Why it is lost.
  public enum Reason: Equatable, Sendable {
    /// The kernel ignores whether the call succeeds.
    case call(Loss)
    /// The kernel skips it.
    case skipped(Reader.Skip)
  }

  public var record: Record
  public var reason: Reason

  public init(_ record: Record, _ loss: Loss) {
    self.record = record
    reason = .call(loss)
  }

  public init(_ record: Record, _ skip: Reader.Skip) {
    self.record = record
    reason = .skipped(skip)
  }
}
