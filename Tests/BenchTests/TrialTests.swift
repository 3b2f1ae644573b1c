// SPDX-License-Identifier: MIT

import Fidelity
import Foundation
import Machines
import Testing

@testable import bench

/// What the table says about a trial boot.
@Suite struct TrialTests {
  private static let census = [
    ". 40755 0:0 0 0:0 0 5 1 ", "./.bench 40755 0:0 0 0:0 0 5 2 ",
    "./.bench/census 100755 0:0 1 0:0 9 5 3 abc", "./file 100644 0:0 1 0:0 3 1600000000 4 def",
  ]

  /// The verdict on a guest that printed `output`.
  private func verdict(
    _ output: [String], status: Int? = 0, isLeaf: Bool = true, asPromised: Bool = true
  ) throws -> Verdict {
    let json: [String: Any] = [
      "outcome": asPromised ? "as promised" : "not as promised", "isHalfUnpacked": false,
      "logged": [String](), "lastWords": [String](), "seconds": 1,
      "exitStatus": asPromised ? 0 : 1,
      "check": [
        "mountId": 2, "parentId": isLeaf ? 1 : 2, "type": "tmpfs", "options": "rw",
        "isLeaf": isLeaf, "pivotRoot": "ok", "asPromised": asPromised, "uptime": 1,
      ],
      "command": ["output": output.joined(separator: "\n"), "status": status as Any],
    ]
    return try JSONDecoder().decode(
      Verdict.self, from: JSONSerialization.data(withJSONObject: json))
  }

  @Test func `the cells say what is lost, left, reached, and works`() throws {
    let output = Self.census + ["@escape pivot 4 0 1", "runc\tok\t", "crun\tFAILED\t"]
    var trial = Trial(try verdict(output), .cp)
    trial.losses = Losses(of: trial.census, in: Census([String]()))
    #expect(
      trial.cells == [
        "1 directory and 1 file", "4 entries", "sees what is left, and writes there", "1 of 2",
      ])
  }

  @Test func `what the measurement has put there is no part of the tree`() throws {
    let trial = Trial(try verdict(Self.census + ["@escape pivot 0 0 0"]), .wrap)
    #expect(trial.problem == nil)
    #expect(trial.census.entries.keys.sorted() == [".", "./file"])
  }

  @Test func `a stock boot has nothing below its root`() throws {
    let output = Self.census + ["@escape move 9 1 1"]
    let trial = Trial(try verdict(output, isLeaf: false, asPromised: false), .stock)
    #expect(trial.cells == ["–", "–", "reads and writes the tree", "0 of 0"])
  }

  @Test func `without an attempt to escape, or without a leaf, there is only a problem`() throws {
    #expect(Trial(try verdict(Self.census), .cp).cells[0] == "no attempt to escape")
    let output = Self.census + ["@escape pivot 0 0 0"]
    #expect(Trial(try verdict(output, isLeaf: false), .cp).cells == ["no leaf", "–", "–", "–"])
    // Only ours promises more than a leaf.
    #expect(Trial(try verdict(output, asPromised: false), .cp).problem == nil)
    #expect(Trial(try verdict(output, asPromised: false), .wrap).problem == "not as promised")
  }
}
