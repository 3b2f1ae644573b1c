// SPDX-License-Identifier: MIT

import CLinux

/// Called by libbz2, built without stdio, when it finds a fault in itself. Must not return.
///
/// Names the library. The trap that follows prints PID 1's last words, as for any other fault.
@c(bz_internal_error)
public func endAtFault(_ number: Int32) {
  let message: StaticString = "libbz2: internal error\n"
  _ = write(2, message.utf8Start, message.utf8CodeUnitCount)
  fatalError()
}
