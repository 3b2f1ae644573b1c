// SPDX-License-Identifier: MIT

import CLinux

/// How long the boot waits for other processes: 5 s in all, however often it looks.
struct Patience {
  private let end = milliseconds() + 5000

  /// Asks again and again whether something is over, at least once.
  func await(_ isOver: () -> Bool) {
    // The number is for a clock that cannot be read.
    for _ in 0..<500 {
      if isOver() || milliseconds() >= end { return }
      usleep(10_000)
    }
  }
}
