// SPDX-License-Identifier: MIT

import Compression
import Files
import Images
import Initramfs
import Newc
import Samples
import SystemPackage
import TestSupport
import Testing

private func inspect(_ image: [UInt8], config: KernelConfig? = nil) throws -> Inspection {
  try Inspection(Bytes(image), of: "image", config: config)
}

private func inspect(_ make: (inout Archive) -> Void) throws -> Inspection {
  var archive = Archive()
  make(&archive)
  return try inspect(archive.bytes)
}

extension Inspection {
  /// The kinds of what was found, and which file it is about, without notes.
  fileprivate var troubles: [String] {
    findings.kept.filter { $0.level != .note }.map { finding in
      let path = finding.path.map { " " + String(decoding: $0, as: UTF8.self) } ?? ""
      return finding.kind.rawValue + path
    }
  }
}

@Suite struct InspectionTests {
  /// What keeps an image from having no program to start.
  private func furnish(_ archive: inout Archive) {
    archive.add("init", 0o100755, [1])
  }

  @Test func `an ordinary image has no troubles, and its files are counted`() throws {
    let inspection = try inspect { archive in
      archive.add(".", 0o040755)
      archive.add("dev", 0o040755)
      archive.add("dev/console", 0o020600) { $0.specialDevice = Device(major: 5, minor: 1) }
      archive.add("dev/null", 0o020666)
      archive.add("bin", 0o040755)
      archive.add("bin/sh", 0o100755, [UInt8](repeating: 1, count: 5000))
      archive.add("fifo", 0o010600)
      archive.addLink("init", to: "bin/sh")
      for name in ["one", "two"] {
        archive.add(name, 0o100644, name == "two" ? [1, 2] : []) {
          $0.linkCount = 2
          $0.inode = 9
        }
      }
      archive.addTrailer()
    }
    #expect(inspection.findings.kept == [])
    let totals = inspection.totals
    #expect(totals.records == 10)
    #expect(totals.files == 2)
    // Without /dev and /dev/console, which the kernel has made.
    #expect(totals.directories == 1)
    #expect(totals.devices == 1)
    #expect((totals.symbolicLinks, totals.others, totals.hardLinks) == (1, 1, 1))
    #expect(totals.bytes == 5002)
    #expect(totals.pages == 3)
    #expect(inspection.realInit?.chain == [Array("/init".utf8), Array("bin/sh".utf8)])
    #expect(inspection.realInit?.isExecutable == true)
  }

  @Test func `a file whose directory comes later or never is lost`() throws {
    let inspection = try inspect { archive in
      furnish(&archive)
      archive.add("etc/passwd")
      archive.add("etc", 0o040755)
      archive.add("etc/group")
      archive.add("init/x")
    }
    #expect(inspection.troubles == ["parent-missing etc/passwd", "parent-missing init/x"])
    #expect(inspection.totals.files == 2)
  }

  @Test func `directories are found through symbolic links`() throws {
    let inspection = try inspect { archive in
      furnish(&archive)
      archive.add("usr", 0o040755)
      archive.add("usr/bin", 0o040755)
      archive.addLink("bin", to: "/usr/bin")
      archive.addLink("usr/sbin", to: "../bin")
      archive.add("usr/sbin/a")
      archive.add("usr/sbin/../bin/./b")
      archive.addLink("loop", to: "loop")
      archive.add("loop/c")
    }
    #expect(inspection.troubles == ["parent-missing loop/c"])
    #expect(inspection.totals.files == 3)
  }

  @Test func `a duplicate of another type is said, one of the same type is counted`() throws {
    let inspection = try inspect { archive in
      furnish(&archive)
      archive.add("a", 0o040755)
      archive.add("a", 0o100644, [1])
      archive.add("a", 0o100644, [1, 2])
      archive.add("b", 0o040755)
      archive.add("b/c")
      archive.addLink("b", to: "a")
      archive.add("b", 0o100644)
    }
    #expect(
      inspection.troubles
        == ["type-changed a", "directory-in-the-way b", "directory-in-the-way b"])
    #expect(inspection.totals.rewritten == 1)
    #expect(inspection.totals.bytes == 3)
  }

  @Test func `what the kernel drops in silence is named`() throws {
    let long = String(repeating: "x", count: 256)
    let inspection = try inspect { archive in
      furnish(&archive)
      archive.add("none", 0o000644)
      archive.add("odd", 0o030644)
      archive.add(long)
      archive.add(long + "/f")
      archive.addLink("empty", to: "")
      archive.addLink("far", to: String(repeating: "t", count: 4096))
      archive.add("dir", 0o040755, [1, 2])
      archive.add("")
      archive.add("slash/")
      archive.add("n", 0o100644) { $0.nameSize = 0 }
    }
    #expect(
      inspection.troubles == [
        "type-unknown none", "type-unknown odd", "name-too-long \(long)",
        "name-too-long \(long)/f", "target-length empty",
        "target-length far", "data-unexpected dir", "name-unusable ", "name-unusable slash/",
        "name-too-long",
      ])
  }

  @Test func `a hard link whose first name has gone is lost`() throws {
    let inspection = try inspect { archive in
      furnish(&archive)
      func add(_ name: String) {
        archive.add(name) {
          $0.linkCount = 3
          $0.inode = 5
        }
      }
      add("one")
      add("two")
      archive.add("one", 0o040755)
      add("three")
      archive.addTrailer()
      add("four")
    }
    #expect(inspection.troubles == ["type-changed one", "link-lost three"])
    #expect(inspection.totals.files == 3)
    #expect(inspection.totals.hardLinks == 0)
  }

  @Test func `an image without a program to start is named`() throws {
    #expect(try inspect { $0.add("bin", 0o040755) }.troubles == ["no-init"])
    #expect(try inspect { $0.add("init", 0o100644) }.troubles == ["init-not-executable /init"])
    #expect(try inspect { $0.addLink("init", to: "gone") }.troubles == ["init-not-executable gone"])
    #expect(try inspect { $0.addLink("init", to: "init") }.realInit?.isExecutable == false)
  }

  /// include/linux/namei.h, MAXSYMLINKS.
  @Test(arguments: [39, 40, 41])
  func `a path leads through at most 40 symbolic links, /init's too`(count: Int) throws {
    let inspection = try inspect { archive in
      archive.add("l0", 0o100755, [1])
      archive.add("d0", 0o040755)
      for number in 1...count {
        archive.addLink(number == count ? "init" : "l\(number)", to: "l\(number - 1)")
        archive.addLink("d\(number)", to: "d\(number - 1)")
      }
      archive.add("d\(count)/file")
    }
    #expect(inspection.realInit?.isExecutable == (count <= 40))
    #expect(inspection.realInit?.chain.count == count + 1)
    #expect(inspection.totals.files == (count <= 40 ? 2 : 1))
  }

  @Test func `a missing console is a note, for the kernel's own archive has one`() throws {
    let inspection = try inspect { furnish(&$0) }
    #expect(inspection.findings.kept.map(\.kind) == [.noConsole])
    let removed = try inspect { archive in
      furnish(&archive)
      archive.addLink("dev/console", to: "nowhere")
    }
    #expect(removed.troubles == ["type-changed dev/console", "no-console"])
  }

  @Test func `members say what they hold`() throws {
    var early = Archive()
    early.add("kernel/x86/microcode/GenuineIntel.bin", 0o100644, [1])
    early.addTrailer()
    var root = Archive()
    furnish(&root)
    root.add("lib/modules/6.1.0-9/modules.dep")
    root.add("usr/lib/modules/6.1.0-9/kernel/fs/ext4.ko")
    root.add("lib/firmware/x")
    root.addTrailer()
    let inspection = try inspect(early.bytes + encoded(root.bytes, .zstd))
    #expect(
      inspection.contents.map(\.words) == [
        ["microcode (GenuineIntel.bin)"], ["/init", "modules (6.1.0-9)", "firmware"],
      ])
    // Hidden files are padding, and of many names eight are kept.
    var many = Archive()
    many.add("kernel/x86/microcode/.enuineIntel.align", 0o100644, [1])
    for number in 0..<9 { many.add("lib/modules/6.\(number)/modules.dep") }
    let contents = try inspect(many.bytes).contents[0]
    #expect(contents.microcode == [])
    #expect(contents.modules == (0..<8).map { "6.\($0)" })
    let hidden = try inspect(
      encoded(root.bytes, .zstd) + [UInt8](repeating: 0, count: 4) + encoded(early.bytes, .gzip))
    #expect(hidden.troubles.contains("microcode-hidden"))
  }

  @Test func `lz4 before another member is a trap for old kernels`() throws {
    let archive = try archive("init", [1])
    let image = try encoded(archive, .lz4) + [0, 0, 0, 0] + encoded(archive, .gzip)
    let trap = try #require(inspect(image).findings.kept.first { $0.kind == .lz4Trap })
    #expect(trap.level == .warning && trap.member == 0)
    #expect(trap.text.hasPrefix("lz4 member followed by 4 zero bytes and "), "\(trap.text)")
    #expect(try !inspect(encoded(archive, .lz4)).troubles.contains("lz4-trap"))
  }

  @Test func `xz with another check is refused, with the remedy`() throws {
    let inspection = try inspect(filter(archive("init", [1]), "xz", "-c"))
    #expect(inspection.findings.haveError)
    #expect(inspection.findings.kept.first?.text.contains("xz --check=crc32") == true)
  }

  @Test func `a kernel's configuration is compared`() throws {
    let directory = try TemporaryDirectory()
    let text = """
      CONFIG_BLK_DEV_INITRD=y
      CONFIG_RD_GZIP=y
      # CONFIG_RD_ZSTD is not set
      CONFIG_TMPFS=m

      """
    let plain = try KernelConfig(directory.file("config", Array(text.utf8)))
    let zipped = try KernelConfig(
      directory.file("config.gz", filter(Array(text.utf8), "gzip", "-c")))
    var archive = Archive()
    furnish(&archive)
    for config in [plain, zipped] {
      let zstd = try inspect(encoded(archive.bytes, .zstd), config: config)
      #expect(zstd.troubles == ["compressor-missing", "option-missing"])
      let gzip = try inspect(encoded(archive.bytes, .gzip), config: config)
      #expect(gzip.troubles == ["option-missing"])
      #expect(!gzip.findings.haveError)
    }
    // Which member, and which option.
    let two = try inspect(
      archive.bytes + encoded(archive.bytes, .zstd), config: plain)
    let missing = try #require(two.findings.kept.first { $0.kind == .compressorMissing })
    #expect(missing.member == 1 && missing.level == .error)
    #expect(missing.text.hasPrefix("CONFIG_RD_ZSTD is not set in "), "\(missing.text)")
    // Before Linux 5.19 there is no option for times.
    for (version, count) in [(KernelVersion(5, 18), 1), (KernelVersion(5, 19), 2)] {
      let inspection = try Inspection(
        Bytes(archive.bytes), of: "image", config: plain, kernel: version)
      #expect(inspection.findings.kept.count { $0.kind == .optionMissing } == count)
    }
    #expect(throws: FileError.self) { try KernelConfig(directory.file("none", [1, 2, 3])) }
  }

  @Test func `microcode is found in front of the first compressed member, and hidden behind it`()
    throws
  {
    func member(_ name: String) -> [UInt8] {
      var archive = Archive()
      archive.add(name, 0o100755, [1])
      archive.addTrailer()
      return archive.bytes
    }
    let (early, root) = (member("kernel/x86/microcode/GenuineIntel.bin"), member("init"))
    let (zipped, zippedEarly) = (try encoded(root, .gzip), try encoded(early, .gzip))
    func padded(_ member: [UInt8]) -> [UInt8] {
      member + [UInt8](repeating: 0, count: -member.count & 3)
    }
    for (members, hidden) in [
      ([early, zipped], []), ([root, early, zipped], []), ([zipped, early], [1]),
      ([zipped, root, early], [2]), ([zippedEarly, root], [0]), ([early, zipped, early], [2]),
      ([root, zippedEarly], [1]),
    ] as [([[UInt8]], [Int])] {
      let inspection = try inspect(members.flatMap(padded))
      let findings = inspection.findings.kept.filter { $0.kind == .microcodeHidden }
      #expect(findings.map(\.member) == hidden)
      #expect(findings.allSatisfy { $0.level == .warning })
    }
  }

  @Test func `findings without number are counted, and a few are kept`() throws {
    let inspection = try inspect { archive in
      furnish(&archive)
      for index in 0..<500 { archive.add("none/\(index)") }
    }
    #expect(inspection.findings.counts[.parentMissing] == 500)
    #expect(inspection.troubles.count == Findings.limit)
  }

  @Test func `symbolic links that lead nowhere slowly are refused in the end`() throws {
    var archive = Archive()
    // Each leads through the one before, and 2,000 times to where it is.
    let detour = String(repeating: "/.", count: 2_000)
    archive.addLink("0", to: "." + detour)
    for index in 1..<40 { archive.addLink("\(index)", to: "\(index - 1)" + detour) }
    #expect(try inspect(archive.bytes).totals.symbolicLinks == 40)

    // The directory of the record before is known.
    for index in 0..<100 { archive.add("\(38 + index % 2)/f\(index)") }
    #expect(
      throws: FileError(
        "image",
        "has more than 4000000 steps through symbolic links; only 'leafroot inspect --list' reads it"
      )
    ) { try inspect(archive.bytes) }
  }

  /// Measured with `leafroot least-memory`, Debian's 6.12 in QEMU, in steps of 4 MiB.
  @Test func `more content needs twice its memory, and with a larger rootfs once`() throws {
    func memory(_ count: Int) throws -> MemoryNeed {
      try inspect { archive in
        for index in 0..<count {
          archive.add("\(index)", 0o100644, [UInt8](repeating: 1, count: 1 << 20))
        }
      }.memory
    }
    let (small, large) = (try memory(1), try memory(64))
    #expect(small.stock == 76)
    #expect(small.large == 76)
    // The image itself is raw: 64 MiB of it, and twice or once 64 of the tree.
    #expect((236...252).contains(large.stock))
    #expect((188...204).contains(large.large))
    // PID 1 in the archive, and once or twice in the tree: 520 kB each.
    #expect((1...2).contains(large.wrapped - large.stock))
  }

  @Test func `the decompressor's window needs memory beside the tree`() throws {
    var archive = Archive()
    archive.add("f", 0o100644, [UInt8](repeating: 1, count: 10 << 20))
    archive.addTrailer()
    // 63 MiB for the kernel, 10 for the tree, and a window of 8.
    let need = try inspect(filter(archive.bytes, "zstd", "-19", "-c")).memory
    #expect((82...85).contains(need.stock), "\(need)")
  }

  @Test func `the content of a file is that of its last record, through links`() throws {
    var archive = Archive()
    archive.add("d", 0o040755)
    archive.add("d/f", 0o100644, [1])
    archive.add("d/f", 0o100644, [2, 3])
    archive.addLink("l", to: "d/f")
    for name in ["one", "two"] {
      archive.add(name, 0o100644, name == "two" ? [4] : []) {
        $0.linkCount = 2
        $0.inode = 9
      }
    }
    func content(_ path: String) throws -> [UInt8] {
      var content: [UInt8] = []
      _ = try FileContents(Array(path.utf8), of: "image").read(Bytes(archive.bytes)) { bytes in
        content += bytes
      }
      return content
    }
    #expect(try content("/d/f") == [2, 3])
    #expect(try content("l") == [2, 3])
    #expect(try content("one") == [4])
    #expect(
      throws: FileError("image", "has no file x")
    ) { try content("x") }
    #expect(
      throws: FileError("image", "d is a directory, not a regular file")
    ) { try content("d") }
  }
}
