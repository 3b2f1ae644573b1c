// SPDX-License-Identifier: MIT

import Files

/// The result of a search for the least memory, as a table or as JSON.
public struct LeastMemoryReport: Encodable, Sendable {
  /// One boot of the search.
  public struct Attempt: CustomStringConvertible, Encodable, Sendable {
    /// The machine's memory in MiB.
    let memory: Int
    let isEnough: Bool
    let outcome: Verdict.Outcome
    let isHalfUnpacked: Bool
    /// The exit status of the command; nil if there was none or it did not exit.
    let commandStatus: Int?
    let seconds: Double

    /// Creates an attempt with `memory` MiB.
    public init(_ memory: Int, _ verdict: Verdict, isEnough: Bool) {
      self.memory = memory
      self.isEnough = isEnough
      outcome = verdict.outcome
      isHalfUnpacked = verdict.isHalfUnpacked
      commandStatus = verdict.command?.status
      seconds = verdict.seconds
    }

    /// Why the memory was or was not enough.
    public var description: String {
      let reason =
        if isHalfUnpacked {
          "the image is half unpacked"
        } else if let commandStatus, commandStatus != 0 {
          "\(outcome.rawValue), command: exit \(commandStatus)"
        } else {
          outcome.rawValue
        }
      return "\(isEnough ? "enough" : "not enough"): \(reason)"
    }
  }

  /// The result in MiB; nil until it is found.
  public var leastMemory: Int?
  /// The step between tried amounts, in MiB.
  let resolution: Int
  /// All boots, in order.
  public var boots: [Attempt] = []

  /// Creates the report on a search that has not begun.
  public init(resolution: Int) { self.resolution = resolution }

  /// Returns the report as two aligned columns.
  public func table() -> String {
    let least = leastMemory ?? 0
    var rows = [("least memory", "\(ByteSize(mebibytes: least))")]
    if let less = boots.filter({ $0.memory < least }).max(by: { $0.memory < $1.memory }) {
      rows.append(("less", "\(ByteSize(mebibytes: less.memory)) is \(less)"))
    }
    rows.append(("resolution", "\(ByteSize(mebibytes: resolution))"))
    rows.append(
      ("boots", "\(boots.count) in \(hundredths(boots.reduce(0) { $0 + $1.seconds })) s"))
    return columns(rows)
  }
}
