// SPDX-License-Identifier: MIT

import CLinux
import Evidence
import Leaf

/// The file that this process was started from.
struct OwnProgram {
  private let status: stat

  /// nil if it has no name any more.
  init?() {
    guard let path = Self.path, let status = Self.identify(path, { stat($0, &$1) }) else {
      return nil
    }
    self.status = status
  }

  /// The path that the kernel executed: getauxval(3), AT_EXECFN.
  static var path: UnsafePointer<CChar>? {
    UnsafePointer(bitPattern: getauxval(UInt(AT_EXECFN)))
  }

  /// Whether it would be executed at `path`.
  func isExecuted(at path: UnsafePointer<CChar>) -> Bool {
    isSame(Self.identify(path) { stat($0, &$1) })
  }

  /// Removes all its names: the one that was executed, and those that could have been.
  func removeNames() {
    if let path = Self.path { remove(path) }
    for path in RealInit.kernelsList { path.withCString { remove($0) } }
    (Text("/") + Vocabulary.program).withCString { remove($0) }
  }

  private func remove(_ path: UnsafePointer<CChar>) {
    if isSame(Self.identify(path) { lstat($0, &$1) }) { unlink(path) }
  }

  private func isSame(_ other: stat?) -> Bool {
    guard let other else { return false }
    return other.st_dev == status.st_dev && other.st_ino == status.st_ino
  }

  private static func identify(
    _ path: UnsafePointer<CChar>, _ call: (UnsafePointer<CChar>, inout stat) -> Int32
  ) -> stat? {
    var result = stat()
    return call(path, &result) == 0 ? result : nil
  }
}
