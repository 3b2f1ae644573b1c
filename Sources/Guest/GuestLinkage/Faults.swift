// SPDX-License-Identifier: MIT

import CLinux

/// What libbz2, built without stdio, calls where it finds a fault in itself; it must not return.
///
/// Names the library. The trap after that has PID 1's last words, as any other fault has.
@c(bz_internal_error)
public func endAtFault(_ number: Int32) {
  let message: StaticString = "libbz2: internal error\n"
  _ = write(2, message.utf8Start, message.utf8CodeUnitCount)
  fatalError()
}
