// SPDX-License-Identifier: MIT

/// Bytes between records, and truncated images.
enum Layouts {
  static var images: [OddImage] { padding + archives + cuts + junk }

  private static func halves(_ name: String, trailer: Bool) -> ([UInt8], [UInt8]) {
    (
      archive([.directory(name), .file("\(name)/1", "one").linked(7)], trailer: trailer),
      archive([.file("\(name)/2", "second").linked(7)])
    )
  }

  /// Zero bytes between two raw archives, with and without a trailer, and before the first one.
  private static var padding: [OddImage] {
    [true, false].flatMap { trailer in
      ([0, 1, 2, 3, 4, 5, 6, 7, 8, 508, 4096, 70_001, 1 << 17]).map { count in
        let name = "zeros-\(trailer ? "" : "open-")\(count)"
        let (first, second) = halves(name, trailer: trailer)
        return OddImage(name, first + zeros(count) + second)
      }
    }
      + [1, 2, 3, 4, 512].map { count in
        let name = "zeros-before-\(count)"
        let (first, second) = halves(name, trailer: true)
        return OddImage(name, zeros(count) + first + second)
      }
      + [1, 2, 3, 5, 511].map { count in
        let name = "zeros-behind-\(count)"
        let (first, second) = halves(name, trailer: true)
        return OddImage(name, first + second + zeros(count))
      }
  }

  private static var archives: [OddImage] {
    [
      OddImage("empty-archive", archive([])),
      OddImage("trailers", archive([.trailer, .trailer])),
      OddImage("no-trailer", archive([.directory("no-trailer")], trailer: false)),
      OddImage("nothing", []),
      OddImage("zero", [0]),
      OddImage("zeros", zeros(5000)),
      OddImage(
        "early",
        archive([
          .directory("early"), .directory("early/kernel"),
          .file("early/kernel/GenuineIntel.bin", String(repeating: "m", count: 2048)),
        ]) + zeros(512) + archive([.file("early/main", "main")])),
    ]
  }

  /// Images that end early, in a header, a name, data or padding; none is refused.
  private static var cuts: [OddImage] {
    [
      (1, "magic"), (5, "magic-5"), (6, "digits"), (60, "half"), (109, "header"), (110, "name"),
      (112, "name-2"), (118, "nul"), (120, "name-padding"),
    ].map { count, place in
      let name = "cut-\(place)"
      let whole = archive([.directory(name), .file("\(name)/1", "one")], trailer: false)
      let record = OddRecord.file("\(name)/2", "the second").bytes
      return OddImage(name, whole + record.prefix(count))
    }
      + [("data", 5), ("data-1", 9), ("padding", 1)].map { place, missing in
        let name = "cut-\(place)"
        let bytes = archive([.directory(name), .file("\(name)/1", "ten bytes!")], trailer: false)
        return OddImage(name, Array(bytes.dropLast(missing)))
      } + [
        OddImage(
          "cut-link",
          Array(
            archive([.directory("cut-link"), .link("cut-link/1", to: "target--")], trailer: false)
              .dropLast(3))
        ),
        OddImage(
          "cut-sum",
          Array(
            archive(
              [.directory("cut-sum"), .file("cut-sum/1", "checked!").summed], trailer: false
            ).dropLast(3))
        ),
        OddImage("cut-trailer", Array(archive([.directory("cut-trailer")]).dropLast(5))),
        OddImage("cut-size") { here in
          [.file("\(here)/x", "1").with { $0.dataSize = 4000 }, .file("\(here)/after")]
        },
      ]
  }

  /// Other bytes after or inside an archive.
  private static var junk: [OddImage] {
    ["X", "junk behind the archive", "\u{1}", "\n", "7", "0", "07", "07070", "0707010000"]
      .enumerated()
      .map { number, text in
        let name = "junk-\(number)"
        return OddImage(name, archive([.directory(name), .file("\(name)/f", "f")]) + text.utf8)
      } + [
        OddImage(
          "junk-first", Array("junk".utf8) + archive([.directory("junk-first")])),
        OddImage(
          "junk-after-zeros",
          archive([.directory("junk-after-zeros")]) + zeros(8) + Array("junk".utf8)),
        OddImage("junk-in-name-padding") { here in
          // Two bytes between the NUL and the data, which nothing checks.
          [
            .file("\(here)/xy", "data").with {
              ($0.nameSize, $0.name) = (UInt32($0.name.count), $0.name + [0xAA])
            }
          ]
        },
        OddImage(
          "junk-in-data-padding",
          {
            var bytes = archive(
              [.directory("junk-in-data-padding"), .file("junk-in-data-padding/x", "12345")],
              trailer: false)
            bytes.replaceSubrange((bytes.count - 3)..., with: [1, 2, 3])
            return bytes + archive([.file("junk-in-data-padding/y", "after")])
          }()),
        OddImage("junk-size-small") { here in
          [.file("\(here)/x", "0123456789abcdef").with { $0.dataSize = 4 }, .file("\(here)/after")]
        },
        OddImage("junk-size-large") { here in
          [.file("\(here)/x", "0123").with { $0.dataSize = 64 }, .file("\(here)/after")]
        },
        OddImage(
          "tar", Array("tar-file".utf8) + zeros(249) + Array("ustar".utf8) + zeros(250)),
        OddImage("elf", [0x7F] + Array("ELF".utf8) + zeros(60)),
        OddImage("ones", [UInt8](repeating: 0xFF, count: 300)),
      ]
  }
}
