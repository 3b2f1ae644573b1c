// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import OddImages
import Testing

@testable import BootHarness

/// What the kernel forbids in directories that all may write to and that have the sticky bit:
/// /proc/sys/fs/protected_*, proc_sys_fs(5). It unpacks before the command line sets them.
@Suite struct ProtectedFilesTests {
  private static let words = [
    "sysctl.fs.protected_symlinks=1", "sysctl.fs.protected_hardlinks=1",
    "sysctl.fs.protected_regular=2", "sysctl.fs.protected_fifos=2",
  ]

  private static let directories = ["shared", "shared/own"]

  /// With their times, which an image behind another one must repeat.
  private static let parents: [OddRecord] = [
    .directory("target", 0o755), .directory("shared", 0o1777),
    .directory("shared/own", 0o1777).with { $0.user = 7 },
  ]

  /// Files of another owner than the directories have that they are in.
  private static func first() -> [OddRecord] {
    var records = parents + [.file("target/old", "old")]
    for directory in directories {
      let files: [OddRecord] = [
        .link("\(directory)/way", to: "/target"), .link("\(directory)/more", to: "way"),
        .link("\(directory)/last", to: "/target/old"), .file("\(directory)/file", "first"),
        .file("\(directory)/one", "names").linked(40), .file("\(directory)/two").linked(40),
        .node("\(directory)/fifo", 0o010644, (0, 0)),
      ]
      for file in files { records.append(file.with { $0.user = 100 }) }
    }
    return records
  }

  /// Files that go through links, or come where another owner's are.
  private static func second() -> [OddRecord] {
    var records = parents
    for directory in directories {
      let (way, place) = ("\(directory)/way", directory.utf8.count)
      let files: [OddRecord] = [
        .file("\(way)/\(place)", "through one link"),
        .file("\(directory)/more/more-\(place)", "through two"),
        .directory("\(way)/directory-\(place)"),
        .file("\(way)/directory-\(place)/below", "below"),
        .link("\(way)/link-\(place)", to: "old"), .directory("\(way)/"),
        .file("\(directory)/file", "second"), .node("\(directory)/fifo", 0o010600, (0, 0)),
        .file("\(directory)/one", "again"), .file("\(directory)/last", "no link"),
        .file("\(directory)/three", "shared").linked(50),
        .file("\(way)/four-\(place)").linked(50),
        .file("\(directory)/two", "over").linked(60), .file("\(directory)/five").linked(60),
      ]
      for file in files { records.append(file.with { $0.user = 200 }) }
    }
    return records
  }

  @Test(arguments: [Forms.Form.raw, .packed, .nested])
  func `none of it keeps a nested image from what the stock kernel unpacks`(
    form: Forms.Form
  ) async throws {
    let images = [Self.first(), Self.second()].map { archive($0) }
    var leaf = SequenceBoot(images, [form, .nested])
    leaf.words = Self.words
    let (ours, theirs) = (try await leaf.run(), try await SequenceBoot(stock: images).run())

    #expect(ours.verdict.outcome == .asPromised, "\(ours)")
    #expect(theirs.census.entries["./target/6"] != nil, "\(theirs)")
    #expect(theirs.census.entries["./target/more-10"] != nil, "\(theirs)")
    let differences = ours.census.differences(from: theirs.census.excluding(["./leafroot"]))
      .filter { !$0.hasPrefix(".: ") }
    #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))\n\(ours)")
  }
}
