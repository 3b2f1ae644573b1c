// SPDX-License-Identifier: MIT

import Fidelity

extension Trial: Encodable {
  private enum Key: CodingKey {
    case variant, problem, entries, losses, entriesLeft, escape, runtimes
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(variant, forKey: .variant)
    try container.encodeIfPresent(problem, forKey: .problem)
    try container.encode(census.entries.count, forKey: .entries)
    try container.encodeIfPresent(losses?.all, forKey: .losses)
    try container.encodeIfPresent(entriesLeft, forKey: .entriesLeft)
    try container.encodeIfPresent(escape, forKey: .escape)
    try container.encode(runtimes.all, forKey: .runtimes)
  }
}
