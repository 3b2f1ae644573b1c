// SPDX-License-Identifier: MIT

/// Names that lead elsewhere or nowhere, or are invalid.
enum Names {
  static var images: [OddImage] { paths + slashes + sizes + trailers + ways + outside }

  /// Files with odd paths.
  private static var paths: [OddImage] {
    let names = [
      "./%/x", "/%/x", "//%//x", "%/./x", "%/../%/x", "../../%/x", "%/d/../x", "%/no/../x",
      "%/d/./../d/x", "%/\u{1}\n\t\u{7f}", "%/ ", "%/-rf", "%/ünïcödé", "%/...", "%/x/.",
      "%/d/..", "%/d/.", "%/f/x", "%/f/..", "%/f/../x", "/../../../%/x",
    ]
    return names.enumerated().map { number, name in
      OddImage("name-\(number)") { here in
        let path = name.replacing("%", with: here)
        return [
          .directory("\(here)/d"), .file("\(here)/f", "file"), .file(path, "content"),
          .directory(path + "dir", 0o700), .link(path + "link", to: "x"),
        ]
      }
    } + [
      OddImage("name-bytes") { here in
        [OddRecord(Array("\(here)/".utf8) + Array(1...46) + Array(48...255), mode: 0o100644)]
      }
    ]
  }

  /// Every type with a slash after its name, in a new place and over a directory.
  private static var slashes: [OddImage] {
    let types: [(String, UInt32)] = [
      ("file", 0o100644), ("dir", 0o040755), ("link", 0o120777), ("char", 0o020600),
      ("fifo", 0o010600),
    ]
    return types.flatMap { type, mode in
      ["x/", "x//", "x/.", "x/.."].enumerated().map { number, name in
        OddImage("slash-\(type)-\(number)") { here in
          [
            .directory("\(here)/a"), .link("\(here)/s", to: "a"), .directory("\(here)/full"),
            .file("\(here)/full/f"), .file("\(here)/reg", "r"),
          ]
            + ["new", "a", "s", "full", "reg"].map { base in
              OddRecord(
                "\(here)/" + name.replacing("x", with: base), mode: mode,
                data: mode == 0o120777 ? "t" : ""
              ).with { $0.user = 3 }
            } + [.file("\(here)/full/after", "still there?")]
        }
      }
    }
  }

  private static var sizes: [OddImage] {
    func name(_ here: String, component: Int) -> OddRecord {
      .file("\(here)/" + String(repeating: "c", count: component), "long")
    }
    func deep(_ here: String, count: Int) -> [OddRecord] {
      let step = String(repeating: "d", count: 200)
      var path = here
      var records: [OddRecord] = []
      while path.utf8.count + 201 < count - 12 {
        path += "/" + step
        records.append(.directory(path))
      }
      path += "/" + String(repeating: "f", count: count - 1 - path.utf8.count)
      return records + [.file(path, "deep")]
    }
    return [
      OddImage("size-255") { [name($0, component: 255)] },
      OddImage("size-256") { [name($0, component: 256), .file("\($0)/after")] },
      OddImage("size-4095") { deep($0, count: 4095) },
      OddImage("size-4096") { deep($0, count: 4096) + [.file("\($0)/after")] },
      OddImage("size-0") { [.file("\($0)/x", "x").with { ($0.nameSize, $0.name) = (0, [0, 0]) }] },
      OddImage("size-0-link") { here in
        [.link("\(here)/x", to: "x").with { ($0.nameSize, $0.name) = (0, [0, 0]) }]
      },
      OddImage("size-1") { [.file("", "nameless"), .file("\($0)/after")] },
      OddImage("size-1-dir") { [.directory(""), .file("\($0)/after")] }.alone,
      OddImage("size-1-link") { [.link("", to: "x"), .file("\($0)/after")] }.alone,
      OddImage("size-short") { here in [.file("\(here)/name").with { $0.nameSize = 11 }] },
      OddImage("size-short-link") { here in
        [.link("\(here)/name", to: "t").with { $0.nameSize = 11 }]
      },
      OddImage("size-padded") { here in
        (1...9).map { count in .file("\(here)/\(count)", "p").with { $0.name += zeros(count) } }
      },
      OddImage("size-hidden") { here in
        [.file("\(here)/x", "1").with { $0.name += Array("/hidden".utf8) + [0] }]
      },
      OddImage("size-hidden-open") { here in
        [.file("\(here)/x", "1").with { $0.name += Array("/hidden".utf8) }]
      },
      OddImage("size-huge") { here in
        [.file("\(here)/x", "1").with { $0.nameSize = 0xFFFF_FFFF }, .file("\(here)/after")]
      },
      OddImage("size-half") { here in
        [.file("\(here)/x", "1").with { $0.nameSize = 0x8000_0000 }, .file("\(here)/after")]
      },
      OddImage("size-4097-link") { here in
        [
          .link("\(here)/" + String(repeating: "/", count: 4100), to: "x"),
          .file("\(here)/after"),
        ]
      },
    ]
  }

  private static var trailers: [OddImage] {
    [
      OddImage("trailer-dir-data") { here in
        [
          OddRecord("TRAILER!!!", mode: 0o040755, data: "data"), .file("\(here)/1", "1").linked(7),
        ]
      },
      OddImage("trailer-beside") { here in
        [
          .file("\(here)/1", "1").linked(7), .file("./TRAILER!!!"), .file("\(here)/2").linked(7),
          .file("\(here)/TRAILER!!!", "only a file"),
        ]
      }.alone,
      OddImage("trailer-link") { here in
        [
          .file("\(here)/1", "1").linked(7), .link("TRAILER!!!", to: "x"),
          .file("\(here)/2").linked(7),
        ]
      }.alone,
      OddImage("trailer-data") { here in
        [.file("\(here)/1"), .file("TRAILER!!!", "a trailer with data"), .file("\(here)/2")]
      },
      OddImage("trailer-padded") { here in
        [
          .file("\(here)/1", "1").linked(7), .trailer.with { $0.name += zeros(99) },
          .file("\(here)/2", "2").linked(7),
        ]
      },
      OddImage("trailer-bad-sum") { here in
        [.trailer.with { ($0.magic, $0.check) = ("070702", 77) }, .file("\(here)/after")]
      },
    ]
  }

  /// Paths that lead through symbolic links.
  private static var ways: [OddImage] {
    let targets = [
      "d", "./d", "../%/d", "/%/d", "//%/d/", "../../../../%/d", "/../../%/d", "loop", "f", "none",
      ".", "..", "/", "d/../d", "other",
    ]
    return targets.enumerated().map { number, target in
      OddImage("way-\(number)") { here in
        [
          .directory("\(here)/d"), .file("\(here)/f", "file"), .link("\(here)/loop", to: "loop"),
          .link("\(here)/other", to: "d"),
          .link("\(here)/s", to: target.replacing("%", with: here)),
          .file("\(here)/s/way-\(number)-f", "through"),
          .directory("\(here)/s/way-\(number)-d"),
          .link("\(here)/s/way-\(number)-l", to: "x"),
          .node("\(here)/s/way-\(number)-n", 0o010600, (0, 0)),
          .file("\(here)/s", "instead of the link"),
        ]
      }
    } + [
      OddImage("way-chain") { here in
        [.directory("\(here)/0")]
          + (1...45).map { .link("\(here)/\($0)", to: "\($0 - 1)") }
          + [1, 39, 40, 41, 45].map { .file("\(here)/\($0)/f\($0)", "through") }
      },
      OddImage("way-missing") { here in
        [
          .file("\(here)/no/f"), .directory("\(here)/no/d"), .link("\(here)/no/l", to: "x"),
          .node("\(here)/no/n", 0o020600, (1, 3)), .directory("\(here)/late/d"),
          .directory("\(here)/late"), .file("\(here)/late/f"),
        ]
      },
      OddImage("way-late-time") { here in
        // The time of the lost directory is set on the later one.
        [
          .directory("\(here)/a/b").with { $0.time = 5 }, .directory("\(here)/a"),
          .directory("\(here)/a/b").with { $0.time = 6 },
        ]
      },
    ]
  }

  /// The root itself, and entries that the kernel made.
  private static var outside: [OddImage] {
    [
      OddImage("root-dot", archive([.directory(".", 0o700).with { $0.user = 4 }])).alone,
      OddImage("root-slash", archive([.directory("/", 0o711).with { $0.group = 4 }])).alone,
      OddImage("root-file", archive([.file(".", "no"), .file("/", "no"), .file("..")])).alone,
      OddImage("root-link", archive([.link(".", to: "x"), .link("/", to: "x")])).alone,
      OddImage("root-node", archive([.node("/", 0o020640, (1, 3)).with { $0.user = 9 }])).alone,
      OddImage("root-up", archive([.directory(".."), .file("../outside", "inside")])).alone,
      OddImage("dev-file", archive([.file("dev", "a file"), .file("root", "instead")])).alone,
      OddImage(
        "dev-link", archive([.directory("d"), .link("root", to: "d"), .file("root/x")])
      ).alone,
      OddImage(
        "dev-inside",
        archive([
          .file("dev/file", "in"), .node("dev/null", 0o020666, (1, 3)), .directory("root/d"),
          .link("l", to: "/"), .file("l/root/x", "through"),
        ])
      ).alone,
      OddImage("dev-mode", archive([.directory("dev", 0o700), .directory("root", 0o755)])).alone,
    ]
  }
}
