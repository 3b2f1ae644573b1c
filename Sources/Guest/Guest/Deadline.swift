// SPDX-License-Identifier: MIT

import CLinux

/// How long the boot waits for other processes: 5 s in total.
struct Deadline {
  private let end = milliseconds() + 5000

  /// Calls `isOver`, at least once, until it returns true or the time is up.
  func await(_ isOver: () -> Bool) {
    // The limit is in case the clock cannot be read.
    for _ in 0..<500 {
      if isOver() || milliseconds() >= end { return }
      usleep(10_000)
    }
  }
}
