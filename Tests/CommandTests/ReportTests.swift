// SPDX-License-Identifier: MIT

import Foundation
import SystemPackage
import Testing

@testable import Machines
@testable import leafroot

@Suite struct ReportTests {
  private func report(_ lines: String...) -> Verdict {
    let console = Console(Array(lines.joined(separator: "\n").utf8))
    let run = Run(
      console: console, ending: .byGuest, elapsed: .milliseconds(6050), log: "console.log",
      accelerator: .tcg, replay: "qemu …")
    var verdict = Verdict(run)
    verdict.keep("leafroot-x", of: run)
    return verdict
  }

  private static let leaf = """
    @leafroot check {"mountId":29,"parentId":1,"type":"tmpfs","options":"rw,relatime",\
    "isLeaf":true,"pivotRoot":"ok","below":{"entries":0,"sealed":true,"mounts":0},"asPromised":true,\
    "uptime":4.56}
    """

  @Test func `a leaf is shown in two columns`() {
    let table = report("leafroot: one", "leafroot: two", Self.leaf).table()
    #expect(
      table == """
        verdict     as promised
        /           a leaf: mount 29 on 1, tmpfs rw,relatime
        pivot_root  ok
        below       0 entries, sealed
        said        leafroot: one
                    leafroot: two
        time        6.05 s with tcg, check at 4.56 s in the guest
        kept        leafroot-x
        log         console.log
        replay      qemu …
        """)
  }

  @Test func `a panic is shown with its last words`() {
    let table = report("[ 1.0] Kernel panic - not syncing: VFS").table()
    #expect(
      table == """
        verdict     kernel panic
        last words  [ 1.0] Kernel panic - not syncing: VFS
        time        6.05 s with tcg
        kept        leafroot-x
        log         console.log
        replay      qemu …
        """)
  }

  @Test func `a command has a row, its output only the JSON`() throws {
    let report = report(Self.leaf, "@leafroot command", "hello", "@leafroot exit 3")
    #expect(report.table().contains("\ncommand     exit 3\n"))
    #expect(!report.table().contains("hello"))
    #expect(try json(report).contains(#""output" : "hello""#))
  }

  @Test func `the JSON has the verdict and where to find the rest`() throws {
    let json = try leafroot.json(report(Self.leaf))
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    #expect(object["outcome"] as? String == "as promised")
    #expect(object["exitStatus"] as? Int == 0)
    #expect(object["directory"] as? String == "leafroot-x")
    #expect(object["log"] as? String == "console.log")
    #expect((object["check"] as? [String: Any])?["pivotRoot"] as? String == "ok")
  }

  @Test func `what was not kept is not named`() throws {
    let report = Verdict(Console(Array(Self.leaf.utf8)), ending: .byGuest)
    #expect(report.table().split(separator: "\n").last?.hasPrefix("time ") == true)
    #expect(try !json(report).contains("replay"))
  }
}
