// SPDX-License-Identifier: MIT

import CLinux

/// What PID 1 does if it crashes: it never ends without a message.
enum Trap {
  /// Installs handlers that print last words for the signals of a trap and of an invalid memory
  /// access. execve(2) resets them.
  static func arm() {
    let size = 16384
    var stack = stack_t()
    stack.ss_sp = malloc(size)
    stack.ss_size = size
    // For an overflow of the stack itself.
    if stack.ss_sp != nil { sigaltstack(&stack, nil) }

    for signal in [SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV] {
      linux_catch(signal) { _ in end("leafroot: a fault in leafroot itself, the boot stops\n") }
    }
  }
}

/// Prints the reason, and exits. Allocates no memory: signal-safety(7).
private func end(_ reason: StaticString) -> Never {
  _ = write(2, reason.utf8Start, reason.utf8CodeUnitCount)
  _exit(1)
}

/// Swift allocates all its memory with this function, and does not check its result. It replaces
/// musl's own.
@c(posix_memalign)
func allocate(
  _ result: UnsafeMutablePointer<UnsafeMutableRawPointer?>, _ alignment: Int, _ size: Int
) -> Int32 {
  // malloc(3) aligns to 16 bytes, and is quicker.
  guard let memory = alignment <= 16 ? malloc(size) : aligned_alloc(alignment, size) else {
    end("leafroot: out of memory, the boot stops\n")
  }
  result.pointee = memory
  return 0
}
