// SPDX-License-Identifier: MIT

import CLinux

/// A system call that failed.
public struct Failure: Error {
  /// The call, as its man page names it.
  public let step: StaticString

  /// A positive errno.
  public let code: Int32

  /// The directory entry the call was for, without its terminating NUL; empty if there is none.
  public internal(set) var name: [UInt8] = []

  /// Whether part of the file is in one place and the rest in the other.
  public internal(set) var tearsFile = false

  public init(_ step: StaticString, _ code: Int32) {
    self.step = step
    self.code = code
  }

  /// Returns this failure with the entry's name, unless it has a name already.
  package func on(_ entry: [CChar]) -> Failure {
    guard name.isEmpty else { return self }
    var named = self
    for byte in entry where byte != 0 { named.name.append(UInt8(bitPattern: byte)) }
    return named
  }
}

/// Makes one system call. errno is read here and nowhere else.
@inline(__always)
@discardableResult
package func attempt<Result: FixedWidthInteger & SignedInteger>(
  _ step: StaticString, _ call: () -> Result
) throws(Failure) -> Result {
  #if DEBUG && !hasFeature(Embedded)
    if let code = Faults.next() { throw Failure(step, code) }
  #endif
  let result = call()
  if result < 0 { throw Failure(step, linux_errno()) }
  return result
}

/// Closes `descriptor`. Nothing is written beyond the page cache, so close(2) reports nothing new.
package func closeQuietly(_ descriptor: Int32) {
  _ = close(descriptor)
}
