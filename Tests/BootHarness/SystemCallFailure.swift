// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// A system call of PID 1 that fails without being made, on a kernel with Kernel/faults.patch.
struct SystemCallFailure: Sendable {
  /// The number of the call from 1, counted since PID 1 was executed.
  let number: Int
  let error: Error
  /// Whether all later calls of its kind fail too.
  var isLasting = false

  enum Error: Int {
    case inputOutput = 5
    case noMemory = 12

    /// The name in errno(3).
    var name: String { self == .inputOutput ? "EIO" : "ENOMEM" }
  }

  /// The kernel parameter for it.
  var word: String { "fail_syscall=\(number),\(error.rawValue)" + (isLasting ? ",always" : "") }
}

extension SystemCallFailure {
  /// How a boot ends. There is no other way.
  enum Ending: Equatable {
    /// All promises are kept, and the tree is the stock boot's.
    case asPromised
    /// The root is a leaf, and the tree is the stock boot's; the line says what is wrong.
    case leafOnly(line: String)
    /// The real init runs in rootfs, and the tree is the stock boot's; the line says why.
    case fallsBack(line: String)
    /// The boot stops, and the line says why.
    case lastWords(line: String)
    /// A result that must not occur.
    case broken(String)

    var isFallback: Bool { if case .fallsBack = self { true } else { false } }

    /// Whether the ending is acceptable but differs from a boot without failures, and a line says
    /// so.
    var hasLine: Bool {
      switch self {
      case .leafOnly, .fallsBack, .lastWords: true
      case .asPromised, .broken: false
      }
    }
  }

  /// One boot of the table.
  struct Row {
    let failure: SystemCallFailure
    /// The failing call's name; nil if PID 1 made fewer calls.
    let call: String?
    let ending: Ending

    /// The columns N, call, errno, outcome and line.
    var text: String {
      let (outcome, line) =
        switch ending {
        case .asPromised: ("as promised", "")
        case .leafOnly(let line): ("leaf, but", line)
        case .fallsBack(let line): ("falls back", line)
        case .lastWords(let line): ("last words", line)
        case .broken(let reason): ("BROKEN", reason)
        }
      let error = failure.error.name + (failure.isLasting ? " always" : "")
      let columns = [("\(failure.number)", 5), (call ?? "-", 18), (error, 14), (outcome, 12)]
      return columns.map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined() + line
    }
  }
}

/// No boot may have ended in a forbidden way.
func expectUnbroken(_ rows: [SystemCallFailure.Row]) {
  for row in rows {
    if case .broken = row.ending { Issue.record("\(row.text)") }
  }
}
