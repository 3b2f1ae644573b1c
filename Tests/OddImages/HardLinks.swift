// SPDX-License-Identifier: MIT

/// Hard-linked files, and files that only look like them.
enum HardLinks {
  static var images: [OddImage] { data + keys + kinds + broken }

  private static func group(
    _ name: String, _ contents: [String], links: UInt32? = nil
  ) -> OddImage {
    OddImage(name) { here in
      contents.enumerated().map { number, content in
        .file("\(here)/\(number)", content).linked(7, links: links ?? UInt32(contents.count))
          .with { ($0.time, $0.user) = (UInt32(number) + 100, UInt32(number)) }
      }
    }
  }

  private static var data: [OddImage] {
    [
      group("link-data-first", ["content", "", ""]),
      group("link-data-last", ["", "", "content"]),
      group("link-data-middle", ["", "content", ""]),
      group("link-data-each", ["first", "the second is longer", "3rd"]),
      group("link-data-none", ["", ""]),
      group("link-shrinks", ["0123456789", "abc"]),
      group("link-count-1", ["one", "two"], links: 1),
      group("link-count-0", ["one", "two"], links: 0),
      group("link-count-huge", ["one", "two"], links: 0xFFFF_FFFF),
      group("link-many", (0..<40).map { $0 == 20 ? "here" : "" }),
    ]
  }

  private static func pair(
    _ name: String, _ change: @escaping @Sendable (inout OddRecord) -> Void
  ) -> OddImage {
    OddImage(name) { here in
      [
        .file("\(here)/one", "one").linked(7),
        .file("\(here)/two", "second").linked(7).with(change),
      ]
    }
  }

  private static var keys: [OddImage] {
    [
      pair("link-key-same") { _ in },
      pair("link-key-inode") { $0.inode = 8 },
      pair("link-key-major") { $0.device.0 = 9 },
      pair("link-key-minor") { $0.device.1 = 9 },
      pair("link-key-mode") { $0.mode = 0o100600 },
      pair("link-key-type") { ($0.mode, $0.data) = (0o010600, []) },
      pair("link-key-first-count") { $0.links = 1 },
      OddImage("link-key-second-count") { here in
        [.file("\(here)/one", "one").linked(7, links: 1), .file("\(here)/two", "2").linked(7)]
      },
      OddImage("link-key-inode-0") { here in
        [.file("\(here)/one", "one").linked(0), .file("\(here)/two").linked(0)]
      },
      OddImage("link-key-symlink") { here in
        [.link("\(here)/one", to: "a").linked(7), .link("\(here)/two", to: "b").linked(7)]
      },
      OddImage("link-key-directory") { here in
        [.directory("\(here)/one").linked(7), .directory("\(here)/two").linked(7)]
      },
      OddImage(
        "link-over-trailer",
        archive([.directory("link-over-trailer"), .file("link-over-trailer/1", "1").linked(7)])
          + archive([.file("link-over-trailer/2", "two").linked(7)])),
      OddImage(
        "link-no-trailer",
        archive(
          [.directory("link-no-trailer"), .file("link-no-trailer/1", "1").linked(7)],
          trailer: false) + zeros(512) + archive([.file("link-no-trailer/2", "two").linked(7)])),
      OddImage("link-trailer-inside") { here in
        [.file("\(here)/1", "1").linked(7), .trailer, .file("\(here)/2", "two").linked(7)]
      },
    ]
  }

  private static var kinds: [OddImage] {
    [(0o020600, "char"), (0o060600, "block"), (0o010600, "fifo"), (0o140600, "socket")].flatMap {
      (mode: UInt32, kind: String) -> [OddImage] in
      [
        OddImage("link-\(kind)") { here in
          [
            .node("\(here)/one", mode, (1, 3)).linked(7),
            .node("\(here)/two", mode | 0o77, (1, 5)).linked(7).with {
              ($0.user, $0.time) = (9, 9)
            },
          ]
        },
        OddImage("link-\(kind)-over") { here in
          [
            .node("\(here)/one", mode, (1, 3)).linked(7), .file("\(here)/two", "in the way"),
            .node("\(here)/two", mode, (1, 5)).linked(7),
          ]
        },
      ]
    }
  }

  private static var broken: [OddImage] {
    [
      OddImage("link-same-name") { here in
        // The name is removed before it is linked to itself, so it is lost.
        [.file("\(here)/x", "first").linked(7), .file("\(here)/x", "second").linked(7)]
      },
      OddImage("link-first-lost") { here in
        [.file("\(here)/no/x", "first").linked(7), .file("\(here)/x", "second").linked(7)]
      },
      OddImage("link-second-lost") { here in
        [.file("\(here)/x", "first").linked(7), .file("\(here)/no/x", "second").linked(7)]
      },
      OddImage("link-first-replaced") { here in
        [
          .file("\(here)/x", "first").linked(7), .link("\(here)/x", to: "y"),
          .file("\(here)/y", "second").linked(7),
        ]
      },
      OddImage("link-first-leads-elsewhere") { here in
        [
          .file("\(here)/x", "first").linked(7), .link("\(here)/x", to: "z"),
          .file("\(here)/y", "second").linked(7),
        ]
      },
      OddImage("link-first-leads-to-file") { here in
        [
          .file("\(here)/z", "there and longer"), .file("\(here)/x", "first").linked(7),
          .link("\(here)/x", to: "z"), .file("\(here)/y", "second", 0o600).linked(7),
        ]
      },
      OddImage("link-first-a-socket") { here in
        [
          .file("\(here)/x", "first").linked(7), .node("\(here)/x", 0o140644, (0, 0)),
          .file("\(here)/y", "second").linked(7),
        ]
      },
      OddImage("link-first-a-directory") { here in
        [
          .file("\(here)/x", "first").linked(7), .directory("\(here)/x"),
          .file("\(here)/y", "second").linked(7),
        ]
      },
      OddImage("link-over-file") { here in
        [
          .file("\(here)/x", "first").linked(7), .file("\(here)/y", "in the way"),
          .file("\(here)/y", "second").linked(7),
        ]
      },
      OddImage("link-over-empty") { here in
        [
          .file("\(here)/x", "first").linked(7), .directory("\(here)/y"),
          .file("\(here)/y", "second").linked(7),
        ]
      },
      OddImage("link-over-full") { here in
        [
          .file("\(here)/x", "first").linked(7), .directory("\(here)/y"), .file("\(here)/y/z"),
          .file("\(here)/y", "second").linked(7),
        ]
      },
      OddImage("link-dup-truncates") { here in
        [
          .file("\(here)/x", "first").linked(7), .file("\(here)/y").linked(7),
          .file("\(here)/x", "other"),
        ]
      },
      OddImage("link-through-symlink") { here in
        [
          .directory("\(here)/d"), .link("\(here)/s", to: "d"),
          .file("\(here)/s/x", "first").linked(7), .file("\(here)/y", "second").linked(7),
        ]
      },
      OddImage("link-crc") { here in
        [
          .file("\(here)/x").linked(7).summed, .file("\(here)/y", "second").linked(7).summed,
          .file("\(here)/z").linked(7).summed,
        ]
      },
    ]
  }
}
