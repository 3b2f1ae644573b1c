// SPDX-License-Identifier: MIT

import CLinux
import Evidence

/// What PID 1 does where its own program fails: it never ends without a line.
enum Trap {
  /// Lets the signals of a trap in this program, and of memory that is not there, end in last words.
  /// execve(2) takes this back.
  static func arm() {
    let size = 16384
    var stack = stack_t()
    stack.ss_sp = malloc(size)
    stack.ss_size = size
    // Where the stack itself has overflowed.
    if stack.ss_sp != nil { sigaltstack(&stack, nil) }

    for signal in [SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV] {
      linux_catch(signal) { _ in end("leafroot: a fault in leafroot itself, the boot stops\n") }
    }
  }
}

/// Says why, and ends. Takes no memory: signal-safety(7).
private func end(_ reason: StaticString) -> Never {
  _ = write(2, reason.utf8Start, reason.utf8CodeUnitCount)
  _exit(1)
}

/// Swift takes all its memory with this function, and does not look at what it returns. musl's own
/// is not linked then.
@c(posix_memalign)
func allocate(
  _ result: UnsafeMutablePointer<UnsafeMutableRawPointer?>, _ alignment: Int, _ size: Int
) -> Int32 {
  guard let memory = aligned_alloc(alignment, size) else {
    end("leafroot: out of memory, the boot stops\n")
  }
  result.pointee = memory
  return 0
}
