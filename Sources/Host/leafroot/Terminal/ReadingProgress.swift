// SPDX-License-Identifier: MIT

import Synchronization

/// Shows how much of a file has been read, after the first half second.
final class ReadingProgress: Sendable {
  private static let interval: Duration = .milliseconds(100)
  private static let width = 30

  private let line = ProgressLine()
  private let start = ContinuousClock.now
  private let next = Mutex(Duration.milliseconds(500))

  /// Notes that `offset` of `size` bytes have been read.
  func update(_ offset: Int64, of size: Int64) {
    let elapsed = ContinuousClock.now - start
    let isDue = next.withLock { next in
      guard elapsed >= next else { return false }
      next = elapsed + ReadingProgress.interval
      return true
    }
    if isDue { line.update(ReadingProgress.bar(offset, of: size), after: elapsed) }
  }

  /// Removes the line.
  func end() { line.end() }

  static func bar(_ offset: Int64, of size: Int64) -> String {
    let share = size > 0 ? min(1, Double(offset) / Double(size)) : 1
    let filled = Int(share * Double(width))
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
    return "[\(bar)] \(Int(share * 100)) %"
  }
}
