// SPDX-License-Identifier: MIT

import Fidelity

extension Trial: Encodable {
  private enum Key: CodingKey {
    case variant, problem, entries, losses, entriesLeft, escape, runtimes
  }

  private struct LossRecord: Encodable {
    let kind, type: String
    let paths: [String]
  }

  private struct EscapeRecord: Encodable {
    let way: Escape.Way
    let entries: Int
    let reads, writes: Bool
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(variant, forKey: .variant)
    try container.encodeIfPresent(problem, forKey: .problem)
    try container.encode(census.entries.count, forKey: .entries)
    try container.encodeIfPresent(
      losses?.all.map {
        LossRecord(kind: $0.kind.rawValue, type: $0.type.rawValue, paths: $0.paths)
      }, forKey: .losses)
    try container.encodeIfPresent(entriesLeft, forKey: .entriesLeft)
    try container.encodeIfPresent(
      escape.map {
        EscapeRecord(way: $0.way, entries: $0.entries, reads: $0.reads, writes: $0.writes)
      }, forKey: .escape)
    try container.encode(runtimes.all, forKey: .runtimes)
  }
}
