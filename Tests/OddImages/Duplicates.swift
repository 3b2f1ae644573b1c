// SPDX-License-Identifier: MIT

/// Pairs of entries with the same name: the first one, and one that replaces it.
enum Duplicates {
  private static let firsts: [(String, @Sendable (String) -> [OddRecord])] = [
    ("file", { [.file($0, "first content", 0o4755)] }),
    ("empty", { [.directory($0, 0o2755)] }),
    ("full", { [.directory($0, 0o1777), .file("\($0)/inner", "kept")] }),
    ("linkfile", { [.file("\($0)-target", "target"), .link($0, to: "x-target")] }),
    ("linkdir", { [.directory("\($0)-target"), .link($0, to: "x-target")] }),
    ("dangling", { [.link($0, to: "nowhere")] }),
    ("char", { [.node($0, 0o020600, (1, 3))] }),
    ("block", { [.node($0, 0o060660, (8, 1))] }),
    ("fifo", { [.node($0, 0o010644, (0, 0))] }),
    ("socket", { [.node($0, 0o140755, (0, 0))] }),
  ]

  private static let seconds: [(String, @Sendable (String) -> OddRecord)] = [
    ("file", { .file($0, "second", 0o640) }),
    ("dir", { .directory($0, 0o711) }),
    ("link", { .link($0, to: "elsewhere") }),
    ("char", { .node($0, 0o020666, (1, 5)) }),
    ("block", { .node($0, 0o060600, (7, 0)) }),
    ("fifo", { .node($0, 0o010600, (0, 0)) }),
    ("socket", { .node($0, 0o140700, (0, 0)) }),
    // clean_path() runs before the type is examined: the old entry is removed, and no new one is
    // made.
    ("typeless", { OddRecord($0, mode: 0o644) }),
  ]

  static var images: [OddImage] {
    firsts.flatMap { first in
      seconds.map { second in
        OddImage("dup-\(first.0)-\(second.0)") { here in
          first.1("\(here)/x") + [
            second.1("\(here)/x").with { ($0.user, $0.group, $0.time) = (5, 6, 1_234_567) }
          ]
        }
      }
    } + others
  }

  private static var others: [OddImage] {
    [
      // With the slash, lstat(2) follows the link, so it is not cleaned; mkdir(2) does not follow
      // it.
      OddImage("dup-dangling-dir-slash") { here in
        [
          .link("\(here)/x", to: "nowhere"), .directory("\(here)/x/", 0o711),
          .file("\(here)/x/f", "lost"),
        ]
      },
      OddImage("dup-linkdir-dir-slash") { here in
        [
          .directory("\(here)/real"), .link("\(here)/x", to: "real"),
          .directory("\(here)/x/", 0o711).with { $0.time = 222 }, .file("\(here)/x/f", "through"),
        ]
      },
      OddImage("dup-three") { here in
        ["one and a half", "two", ""].map { .file("\(here)/x", $0) }
      },
      OddImage("dup-dir-times") { here in
        // Directory times are set at the end in reverse order: the first entry's time prevails.
        [
          .directory("\(here)/x", 0o700).with { $0.time = 111 }, .file("\(here)/x/f"),
          .directory("\(here)/x", 0o755).with { $0.time = 222 },
        ]
      },
      OddImage("dup-dir-gone") { here in
        // The directory's time is set on whatever has its name at the end.
        [
          .directory("\(here)/x").with { $0.time = 111 },
          .file("\(here)/x", "now a file").with { $0.time = 222 },
        ]
      },
      OddImage("dup-dir-becomes-link") { here in
        [
          .directory("\(here)/x").with { $0.time = 111 }, .directory("\(here)/y"),
          .link("\(here)/x", to: "y").with { $0.time = 222 }, .file("\(here)/x/through", "y"),
        ]
      },
      OddImage("dup-link-then-below") { here in
        [
          .directory("\(here)/real"), .link("\(here)/x", to: "real"),
          .file("\(here)/x/f", "one"), .directory("\(here)/x"), .file("\(here)/x/f", "two"),
        ]
      },
      OddImage("dup-parent-replaced") { here in
        [
          .directory("\(here)/x"), .file("\(here)/x/f", "1"), .file("\(here)/x", "not possible"),
          .file("\(here)/x/g", "2"),
        ]
      },
      OddImage("dup-file-read-only") { here in
        [.file("\(here)/x", "first", 0o000), .file("\(here)/x", "second", 0o444)]
      },
      OddImage("dup-in-sticky") { here in
        [
          .directory("\(here)/t", 0o1777),
          .file("\(here)/t/x", "first").with { $0.user = 1000 },
          .file("\(here)/t/x", "second").with { $0.user = 1001 },
        ]
      },
      OddImage("dup-fifo-sticky") { here in
        [
          .directory("\(here)/t", 0o1777),
          .node("\(here)/t/x", 0o010644, (0, 0)).with { $0.user = 1000 },
          .file("\(here)/t/x", "file").with { $0.user = 1001 },
        ]
      },
    ]
  }
}
