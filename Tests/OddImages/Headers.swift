// SPDX-License-Identifier: MIT

/// Header fields with values that no file has.
enum Headers {
  static var images: [OddImage] { modes + owners + nodes + data + targets + magics + digits + sums }

  private static var modes: [OddImage] {
    let types = (0..<16).map { UInt32($0) << 12 }
    return types.map { type in
      OddImage("type-\(String(type >> 12, radix: 8))") { here in
        [
          OddRecord("\(here)/x", mode: type | 0o644, data: type == 0o120000 ? "t" : ""),
          .file("\(here)/after"),
        ]
      }
    } + [
      OddImage("mode-wide") { here in
        // The kernel keeps 16 bits.
        [
          .file("\(here)/x", "x").with { $0.mode |= 0xABCD_0000 },
          .directory("\(here)/d").with { $0.mode |= 0x0001_0000 },
        ]
      },
      OddImage("mode-all") { here in
        (0..<8).flatMap { (bits: UInt32) -> [OddRecord] in
          [
            .file("\(here)/f\(bits)", "x", bits << 9 | 0o751),
            .directory("\(here)/d\(bits)", bits << 9),
          ]
        }
      },
      OddImage("mode-0-parent") { here in
        [.directory("\(here)/d", 0), .file("\(here)/d/f", "root may", 0)]
      },
    ]
  }

  private static var owners: [OddImage] {
    [
      OddImage("owner-large") { here in
        [.file("\(here)/x").with { ($0.user, $0.group) = (0xFFFF_FFFE, 0x8000_0000) }]
      },
      // (uid_t)-1 leaves the owner unchanged: chown(2).
      OddImage("owner-none") { here in
        [
          .file("\(here)/x").with { ($0.user, $0.group) = (0xFFFF_FFFF, 0xFFFF_FFFF) },
          .directory("\(here)/d").with { ($0.user, $0.group) = (0xFFFF_FFFF, 3) },
          .link("\(here)/l", to: "x").with { ($0.user, $0.group) = (3, 0xFFFF_FFFF) },
        ]
      },
      // Changing the owner clears setuid; the following change of mode restores it.
      OddImage("owner-setuid") { here in
        [
          .file("\(here)/x", "x", 0o6755).with { ($0.user, $0.group) = (7, 8) },
          .directory("\(here)/d", 0o6775).with { ($0.user, $0.group) = (7, 8) },
          .file("\(here)/d/inherits", "x").with { $0.group = 9 },
          .directory("\(here)/d/e"),
        ]
      },
      OddImage("time-limits") { here in
        ([0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF] as [UInt32]).flatMap {
          (time: UInt32) -> [OddRecord] in
          [
            .file("\(here)/f\(time)", "x").with { $0.time = time },
            .directory("\(here)/d\(time)").with { $0.time = time },
            .link("\(here)/l\(time)", to: "x").with { $0.time = time },
            .node("\(here)/p\(time)", 0o010600, (0, 0)).with { $0.time = time },
          ]
        }
      },
    ]
  }

  private static var nodes: [OddImage] {
    [
      OddImage("node-limits") { here in
        [
          (0, 0), (1, 3), (255, 255), (256, 256), (4095, 1_048_575), (4096, 0), (0, 1_048_576),
          (0xFFFF_FFFF, 0xFFFF_FFFF), (5000, 3_000_000),
        ].enumerated().flatMap { (number: Int, node: (UInt32, UInt32)) -> [OddRecord] in
          [
            .node("\(here)/c\(number)", 0o020600, node),
            .node("\(here)/b\(number)", 0o060600, node),
            .node("\(here)/p\(number)", 0o010600, node),
            .file("\(here)/f\(number)", "x").with { $0.node = node },
          ]
        }
      }
    ]
  }

  /// Data in entries that have none: the record is skipped, without even checking its name.
  private static var data: [OddImage] {
    [
      ("dir", 0o040755), ("char", 0o020600), ("block", 0o060600), ("fifo", 0o010600),
      ("socket", 0o140600), ("none", 0o000644),
    ].flatMap { (kind: String, mode: UInt32) -> [OddImage] in
      [
        OddImage("data-\(kind)") { here in
          [OddRecord("\(here)/x", mode: mode, data: "data"), .file("\(here)/after")]
        },
        OddImage("data-\(kind)-name") { here in
          [
            OddRecord("\(here)/x", mode: mode, data: "data").with {
              $0.name = Array("no NUL".utf8)
            },
            .file("\(here)/after"),
          ]
        },
      ]
    }
  }

  private static var targets: [OddImage] {
    func target(_ count: Int) -> (String) -> [OddRecord] {
      { here in
        [
          .link("\(here)/x", to: String(repeating: "t", count: count)).with { $0.user = 2 },
          .file("\(here)/after"),
        ]
      }
    }
    return [
      OddImage("target-0", target(0)).explained(.emptyTarget),
      OddImage("target-1", target(1)), OddImage("target-4094", target(4094)),
      OddImage("target-4095", target(4095)), OddImage("target-4096", target(4096)),
      OddImage("target-4097", target(4097)),
      OddImage("target-nul") { here in
        [
          .link("\(here)/x", to: "short\0and more"), .link("\(here)/y", to: "ends\0"),
          .file("\(here)/after"),
        ]
      },
      OddImage("target-nul-first") { here in [.link("\(here)/x", to: "\0not seen")] }
        .explained(.emptyTarget),
      OddImage("target-odd") { here in
        [
          OddRecord(Array("\(here)/x".utf8), mode: 0o120777, data: Array(1...255)),
          .link("\(here)/y", to: "/"), .link("\(here)/z", to: " \n"),
          .link("\(here)/mode", to: "x").with { $0.mode = 0o120000 },
        ]
      },
      OddImage("target-replaced-long") { here in
        [
          .file("\(here)/x", "stays"), .link("\(here)/x", to: String(repeating: "t", count: 4097)),
          .file("\(here)/y", "goes"), .link("\(here)/y", to: String(repeating: "t", count: 4096)),
        ]
      },
    ]
  }

  private static var magics: [OddImage] {
    ["070707", "070700", "070703", "07070a", "070 01", "0x0701", "0\u{0}0701"].enumerated().map {
      number, magic in
      OddImage("magic-\(number)") { here in
        [.file("\(here)/before"), .file("\(here)/x").with { $0.magic = magic }]
      }
    } + [
      OddImage("magic-first-\(0)", archive([.file("x").with { $0.magic = "070707" }])),
      OddImage("magic-binary", [0xC7, 0x71] + zeros(110)),
      OddImage("magic-swapped", [0x71, 0xC7] + zeros(110)),
      OddImage("magic-upper") { here in
        [.file("\(here)/x", "x").with { $0.overlay = [14: "000081FF", 38: "5FFFFFFF"] }]
      },
    ]
  }

  /// Numbers with other characters in them.
  private static var digits: [OddImage] {
    [
      // inode, mode, uid, time, filesize, namesize, check
      (6, "0x000001"), (14, "0x0081a4"), (22, "0x000005"), (22, "-0000001"), (22, "0000 001"),
      (22, "00000g00"), (46, "5000000z"), (22, "        "), (6, "zzzzzzzz"), (102, "nonsense"),
      (30, "0X00000a"), (62, "+0000001"),
    ].enumerated().map { (number: Int, overlay: (Int, String)) in
      OddImage("digit-\(number)") { here in
        [
          .file("\(here)/x", "content").with { $0.overlay = [overlay.0: overlay.1] },
          .file("\(here)/after", "after"),
        ]
      }.explained(.digits)
    }
  }

  private static var sums: [OddImage] {
    let long = String(repeating: "sum", count: 100_000)
    return [
      OddImage("sum-empty") { here in [.file("\(here)/x").summed, .file("\(here)/after")] },
      OddImage("sum-empty-bad") { here in
        [.file("\(here)/x").summed.with { $0.check = 1 }, .file("\(here)/after")]
      },
      OddImage("sum-long") { here in [.file("\(here)/x", long).summed] },
      OddImage("sum-bad-late") { here in
        [.file("\(here)/x", long).summed.with { $0.check &+= 1 }, .file("\(here)/after")]
      },
      OddImage("sum-link-bad") { here in
        [.link("\(here)/x", to: "target").summed.with { $0.check = 9 }, .file("\(here)/after")]
      },
      OddImage("sum-dir-bad") { here in
        [.directory("\(here)/x").summed.with { $0.check = 9 }, .file("\(here)/after")]
      },
      OddImage("sum-lost-bad") { here in
        // Data that cannot be written is not summed.
        [.file("\(here)/no/x", "lost").summed.with { $0.check = 9 }, .file("\(here)/after")]
      },
      OddImage("sum-upper-bytes") { here in
        [OddRecord(Array("\(here)/x".utf8), mode: 0o100644, data: Array(0...255)).summed]
      },
    ]
  }
}
