// SPDX-License-Identifier: MIT

import OddImages
import Samples
import TestSupport
import Testing

/// `leafroot pack` and `nest`, run as people run them.
@Suite struct PackCommandTests {
  private let directory: TemporaryDirectory
  private let leafroot: Tool
  private let image = archive([
    .directory("d"), .file("d/x", "content"), .file("init", "#!", 0o755),
  ])

  init() throws {
    directory = try TemporaryDirectory()
    leafroot = Tool(in: directory)
    try directory.file("leafroot-init.x86_64", elf(count: 64))
    try directory.file("image", image, permissions: 0o640)
  }

  @Test func `pack prints the sizes and the kernel parameter`() throws {
    let result = try leafroot("pack", "image", "-o", "out", "--arch", "x86_64")
    #expect(result.status == 0, "\(result.errors)")
    let size = try directory.bytes("out").count
    #expect(
      result.output == """
        out: \(size) bytes, 64 of LeafRoot (x86_64); 3 entries, 9 bytes of content in 2 members
        kernel parameters: nonroot_initramfs

        """)
    #expect(try directory.permissions("out") == 0o640)
    #expect(size % 512 == 0)
  }

  @Test func `nest prints the sizes and the kernel parameter`() throws {
    let result = try leafroot("nest", "image", "-o", "out", "--arch", "x86_64")
    #expect(result.status == 0, "\(result.errors)")
    let size = try directory.bytes("out").count
    #expect(
      result.output == """
        out: \(size) bytes, 64 of LeafRoot (x86_64)
        kernel parameters: nonroot_initramfs

        """)
    #expect(try leafroot("nest", "--segment", "-o", "out").status == 0)
  }

  @Test func `the time is SOURCE_DATE_EPOCH`() throws {
    var dated = leafroot
    dated.environment["SOURCE_DATE_EPOCH"] = "1600000000"
    #expect(try dated("nest", "--segment", "-o", "out", "--arch", "x86_64").status == 0)
    #expect(String(decoding: try directory.bytes("out"), as: UTF8.self).contains("5F5E1000"))
  }

  @Test func `the output is left out of its own directory, and that is said`() throws {
    try directory.shell("mkdir tree && printf x > tree/init && touch tree/.leafroot-0abc")
    let first = try leafroot("pack", "tree", "-o", "tree/out", "--arch", "x86_64")
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.output.contains("left out '.leafroot-0abc': output of pack"), "\(first.output)")
    let bytes = try directory.bytes("tree/out")
    // A second time it is there, and the directory's time has changed.
    try directory.shell("touch -d @7 tree")
    _ = try leafroot("pack", "tree", "-o", "tree/out", "--arch", "x86_64")
    let again = try leafroot("pack", "tree", "-o", "tree/out", "--arch", "x86_64")
    #expect(again.output.contains("left out 'out': output of pack"), "\(again.output)")
    #expect(abs(try directory.bytes("tree/out").count - bytes.count) <= 512)
    let unpacked = try leafroot("unpack", "tree/out", "unpacked")
    #expect(unpacked.status == 0, "\(unpacked.errors)")
    #expect(try directory.names(in: "unpacked") == ["init"])
  }

  @Test(arguments: [
    (["--no-xattrs", "user"], ["trusted.b"]), (["--no-xattrs=user,trusted"], []),
    (["--no-xattrs", "trusted", "--no-xattrs", "security,system"], ["user.a"]),
    ([], ["trusted.b", "user.a"]),
  ])
  func `namespaces of xattrs are left out`(options: [String], expected: [String]) throws {
    let script = """
      mkdir tree && printf x > tree/init && setfattr -n user.a -v x tree/init
      setfattr -n trusted.b -v x tree/init
      """
    try directory.shell(script)
    let packed = try leafroot(["pack"] + options + ["tree", "-o", "out", "--arch", "x86_64"])
    #expect(packed.status == 0, "\(packed.errors)")
    #expect(packed.errors.isEmpty, "\(packed.errors)")
    let unpacked = try leafroot("unpack", "out", "unpacked")
    #expect(unpacked.status == 0 && unpacked.errors.isEmpty, "\(unpacked.errors)")
    let list = try directory.shell("getfattr -d -m 'user|trusted' unpacked/init")
    let names = String(decoding: list, as: UTF8.self).split(separator: "\n")
      .compactMap { $0.hasPrefix("#") ? nil : $0.split(separator: "=").first.map(String.init) }
    #expect(names.sorted() == expected)
  }

  @Test func `a namespace must be one`() throws {
    for text in ["users", "user,", ""] {
      let result = try leafroot("pack", "image", "-o", "out", "--no-xattrs", text)
      #expect(result.status == 64)
      #expect(
        result.errors.contains("is not a namespace of extended attributes"), "\(result.errors)")
    }
  }

  @Test func `an xattr that no tmpfs takes is left out, with a warning`() throws {
    let script = """
      mkdir t && printf x > t/init && setfattr -n user.x -v 1 t/init
      bsdtar --format pax --xattrs -cf tar -C t init && sed -i 's/user\\.x/silent/g' tar
      """
    try directory.shell(script)
    let packed = try leafroot("pack", "tar", "-o", "out", "--arch", "x86_64")
    #expect(packed.status == 0, "\(packed.errors)")
    #expect(
      packed.errors == "leafroot: warning: left out 1 extended attribute that a tmpfs cannot have: "
        + "'init': silent\n")
  }

  @Test func `a damaged or packed image gives 2, and no file`() throws {
    try directory.file("broken", Array(image.dropLast(200)))
    for verb in ["pack", "nest"] {
      let broken = try leafroot(verb, "broken", "-o", "none", "--arch", "x86_64")
      #expect(broken.status == 2)
      #expect(broken.errors.contains("broken: offset "), "\(broken.errors)")

      #expect(try leafroot(verb, "image", "-o", "once", "--arch", "x86_64").status == 0)
      let twice = try leafroot(verb, "once", "-o", "none", "--arch", "x86_64")
      #expect(twice.status == 2)
      #expect(twice.errors.contains("is already packed: it has /.leafroot"), "\(twice.errors)")
    }
    #expect(try !directory.names.contains("none"))
  }

  @Test(arguments: [
    ["pack"], ["pack", "image"], ["pack", "image", "-o", "-"],
    ["pack", "image", "-o", "out", "--codec", "bzip2"],
    ["pack", "image", "-o", "out", "--level", "23"],
    ["pack", "image", "-o", "out", "--codec", "none", "--level", "1"],
    ["pack", "image", "-o", "out", "--jobs", "0"],
    ["pack", "image", "-o", "out", "--init", "relative"],
    ["pack", "image", "-o", "out", "--member-size", "0"],
    ["nest", "-o", "out"], ["nest", "image", "--segment", "-o", "out"],
  ])
  func `wrong arguments give 64`(arguments: [String]) throws {
    #expect(try leafroot(arguments).status == 64)
  }

  @Test(arguments: ["zstd", "lz4", "none"], [true, false])
  func `inspect and unpack know the tree of a packed image, and what is behind it`(
    codec: String, isPacked: Bool
  ) throws {
    let make =
      isPacked ? ["pack", "image", "--codec", codec, "--member-size", "1"] : ["nest", "image"]
    #expect(try leafroot(make + ["-o", "out", "--arch", "x86_64"]).status == 0)
    let later = archive([.file("d/x", "changed"), .file("d/later", "l")])
    try directory.file("all", try directory.bytes("out") + later)

    let report = try leafroot("inspect", "all")
    #expect(report.status == 0, "\(report.errors)")
    #expect(report.output.contains("\npayload\t"), "\(report.output)")
    #expect(report.output.contains("\ntree\t3 files, 1 directory, 10 bytes\n"), "\(report.output)")
    #expect(report.output.contains("\ninit\t/init\n"))
    #expect(report.output.contains("\nmemory\t77 MiB\n"))
    #expect(!report.output.contains("warning"), "\(report.output)")
    #expect(try leafroot("inspect", "all", "--cat", "/d/x").output == "changed")
    #expect(try leafroot("inspect", "all", "--list").output.hasSuffix(" d/later\n"))
    let json = try leafroot("inspect", "all", "--json").output
    #expect(json.contains("\"payload\" : {"))

    #expect(try leafroot("unpack", "all", "tree").status == 0)
    #expect(try directory.bytes("tree/d/x") == Array("changed".utf8))
    #expect(try directory.bytes("tree/init") == Array("#!".utf8))
    #expect(try directory.names(in: "tree") == ["d", "init"])
  }

  @Test(arguments: ["0000", "0001", "about"])
  func `a packed image that lacks a file of its payload is damaged, in each report`(
    name: String
  ) throws {
    let pack = try leafroot(
      "pack", "image", "-o", "out", "--arch", "x86_64", "--codec", "none")
    #expect(pack.output.contains(" in 2 members\n"), "\(pack.output)")
    let whole = try directory.bytes("out")
    // The header of newc has 110 bytes, and `.leafroot/ID` 26.
    let record = try #require(whole.firstRange(of: Array("/\(name)\0".utf8))).lowerBound
    try directory.file("cut", Array(whole[..<(record - 136)]))
    let missing = String(decoding: whole[(record - 16)..<record], as: UTF8.self) + "/about"

    let report = try leafroot("inspect", "cut")
    #expect(report.status == 1, "\(report.output)")
    #expect(
      report.output.contains(
        "\nerror\tthe payload has no file \(missing): the image is cut short, and PID 1 stops\n"),
      "\(report.output)")
    let json = try leafroot("inspect", "cut", "--json")
    #expect(json.status == 1)
    #expect(json.output.contains("\"text\" : \"the payload has no file \(missing): "))
    let complaint = "leafroot: cut: the payload has no file \(missing): the image is cut short\n"
    for arguments in [["inspect", "cut", "--list"], ["unpack", "cut", "tree"]] {
      let result = try leafroot(arguments)
      #expect(result.status == 1)
      #expect(result.errors.hasSuffix(complaint), "\(result.errors)")
    }
    // What is there is unpacked.
    #expect((try? directory.bytes("tree/d/x")) == (name == "about" ? Array("content".utf8) : nil))
  }

  @Test func `a packed image behind microcode is known as one`() throws {
    let microcode = archive([
      .directory("kernel"), .directory("kernel/x86"), .directory("kernel/x86/microcode"),
      .file("kernel/x86/microcode/GenuineIntel.bin", "update"),
    ])
    try directory.file("early", microcode + image)
    for verb in ["pack", "nest"] {
      #expect(try leafroot(verb, "early", "-o", "out", "--arch", "x86_64").status == 0)
      try directory.file("front", microcode + directory.bytes("out"))
      for name in verb == "pack" ? ["out", "front"] : ["front"] {
        let report = try leafroot("inspect", name).output
        #expect(report.contains("\npayload\t"), "\(report)")
        #expect(report.contains("\ntree\t3 files, 4 directories, "), "\(report)")
        #expect(try leafroot("inspect", name, "--cat", "/d/x").output == "content")
        let packed = try leafroot("pack", name, "-o", "none", "--arch", "x86_64")
        #expect(packed.errors.contains("is already packed"), "\(packed.errors)")
      }
    }
  }

  @Test func `pack and inspect look for the init that a packed tree starts`() throws {
    func pack(_ options: String...) throws -> (warning: String, report: String) {
      let result = try leafroot(["pack", "d", "-o", "out", "--arch", "x86_64"] + options)
      #expect(result.status == 0, "\(result.errors)")
      return (result.errors, try leafroot("inspect", "out").output)
    }
    try directory.shell("mkdir -p d/usr/lib d/sbin d/bin; printf x >d/usr/lib/start")
    try directory.shell("chmod +x d/usr/lib/start")

    var (warning, report) = try pack()
    #expect(
      warning == """
        leafroot: warning: the tree has no init: name one with --init, or boot with \
        leafroot_init=PATH

        """)
    #expect(report.contains("\ninit\tnone\n"))
    #expect(report.contains("\nwarning\tno init in the payload; it needs leafroot_init=PATH"))

    (warning, report) = try pack("--init", "/usr/lib/start")
    #expect(warning == "")
    #expect(report.contains("\ninit\t/usr/lib/start\n"))
    #expect(!report.contains("\nwarning\t"))

    try directory.shell("cp d/usr/lib/start d/bin/sh")
    (warning, report) = try pack()
    #expect(warning == "leafroot: warning: the tree has no init but /bin/sh\n")
    #expect(report.contains("\ninit\t/bin/sh\n"))

    try directory.shell("ln -s ../usr/lib/start d/sbin/init")
    (warning, report) = try pack()
    #expect(warning == "")
    #expect(report.contains("\ninit\t/sbin/init -> ../usr/lib/start\n"))

    (warning, report) = try pack("--init", "/usr/lib/strat")
    #expect(warning == "leafroot: warning: the tree has no file /usr/lib/strat\n")
    #expect(report.contains("\ninit\t/sbin/init -> ../usr/lib/start\n"))
  }

  @Test func `a packed directory keeps its extended attributes when it is unpacked`() throws {
    let script = """
      mkdir -p source/d && printf x > source/d/f && setfattr -n user.name -v value source/d/f
      touch -d '1960-01-02 UTC' source/d/f
      """
    try directory.shell(script)
    #expect(try leafroot("pack", "source", "-o", "out", "--arch", "x86_64").status == 0)
    let unpacked = try leafroot("unpack", "out", "tree")
    #expect((unpacked.status, unpacked.errors) == (0, ""))
    let seen = try directory.shell(
      "getfattr --only-values -n user.name tree/d/f; stat -c ' %Y' tree/d/f")
    #expect(String(decoding: seen, as: UTF8.self) == "value -315532800\n")
  }

  @Test func `what cannot be packed gives 2, and says why`() throws {
    for (options, words) in [
      (["--platform", "linux/mips"], "no PID 1 for linux/mips"),
      (["--platform", "linux/arm64", "--arch", "x86_64"], "is not --arch x86_64"),
      (["--platform", "windows/amd64"], "windows/amd64"),
    ] {
      let result = try leafroot(["pack", "image", "-o", "none"] + options)
      #expect(result.status == 64)
      #expect(result.errors.contains(words), "\(result.errors)")
    }
    let missing = try leafroot("pack", "nothing", "-o", "none", "--arch", "x86_64")
    #expect(missing.status == 2)
    #expect(missing.errors == "leafroot: cannot open nothing: no such file or directory\n")
    #expect(try !directory.names.contains("none"))
  }
}
