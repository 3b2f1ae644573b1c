// SPDX-License-Identifier: MIT

import OddImages
import Samples
import TestSupport
import Testing

/// The built tool, run as people run it.
@Suite struct ToolTests {
  private let directory: TemporaryDirectory
  private let leafroot: Tool
  private static let image = archive([.file("init", "#!", 0o755)])

  init() throws {
    directory = try TemporaryDirectory()
    leafroot = Tool(in: directory)
    try directory.file("leafroot-init.x86_64", elf(count: 64))
    try directory.file("image", ToolTests.image, permissions: 0o640)
  }

  @Test func `wrap prints the sizes and the kernel parameters`() throws {
    let result = try leafroot("wrap", "image", "-o", "out", "--arch", "x86_64")
    #expect(result.status == 0)
    #expect(
      result.output == """
        out: 756 bytes, 512 of LeafRoot (x86_64) and 244 of image (raw)
        kernel parameters: rdinit=/leafroot nonroot_initramfs
        kexec, kdump: if another image boots with these parameters, append rdinit=/init, or the \
        kernel skips its /init

        """)
    #expect(try directory.bytes("out").count == 756)
    #expect(try directory.permissions("out") == 0o640)
  }

  @Test func `wrap writes the image to standard output, and the parameters to standard error`()
    throws
  {
    let file = try leafroot("wrap", "image", "-o", "out", "--arch", "x86_64")
    let stream = try leafroot("wrap", "image", "-o", "-", "--arch", "x86_64")
    #expect(stream.bytes == (try directory.bytes("out")))
    #expect(stream.errors == file.output.replacing("out: ", with: "-: "))
  }

  @Test func `a full standard output is an error`() throws {
    let result = try leafroot.shell("exec $leafroot wrap image -o - --arch x86_64 >/dev/full")
    #expect(result.status == 2)
    #expect(result.errors == "leafroot: cannot write standard output: no space left on device\n")
  }

  @Test func `the bare segment before an image is the wrapped image`() throws {
    try leafroot("wrap", "--segment", "-o", "leaf.img", "--arch", "x86_64")
    try leafroot("wrap", "image", "-o", "out", "--arch", "x86_64")
    #expect(try directory.bytes("leaf.img") + directory.bytes("image") == directory.bytes("out"))
  }

  @Test func `SOURCE_DATE_EPOCH dates the file, nothing else does`() throws {
    try leafroot("wrap", "image", "-o", "one", "--arch", "x86_64")
    try leafroot("wrap", "image", "-o", "two", "--arch", "x86_64")
    var dated = leafroot
    dated.environment["SOURCE_DATE_EPOCH"] = "1700000000"
    try dated("wrap", "image", "-o", "dated", "--arch", "x86_64")
    #expect(try directory.bytes("one") == directory.bytes("two"))
    #expect(try directory.bytes("one") != directory.bytes("dated"))
    dated.environment["SOURCE_DATE_EPOCH"] = "soon"
    #expect(try dated("wrap", "image", "-o", "x", "--arch", "x86_64").status == 64)
  }

  @Test func `an error is one line that names the file, and leaves none behind`() throws {
    try leafroot("wrap", "image", "-o", "out", "--arch", "x86_64")
    let result = try leafroot("wrap", "out", "-o", "twice", "--arch", "x86_64")
    #expect(result.status == 2)
    #expect(result.output == "")
    #expect(
      result.errors == """
        leafroot: out: is already wrapped: it has /leafroot

        """)
    #expect(try directory.names == ["image", "leafroot-init.x86_64", "out"])
  }

  @Test func `a missing leafroot-init is named, with the ways to name it`() throws {
    let result = try leafroot("wrap", "image", "-o", "out", "--arch", "aarch64")
    #expect(result.status == 2)
    #expect(
      result.errors == """
        leafroot: ./leafroot-init.aarch64: no such file; specify the built leafroot-init with \
        --init or LEAFROOT_LIB

        """)
  }

  @Test func `boot without a kernel file is 2, wrong usage is 64`() throws {
    let result = try leafroot("boot", "image", "--kernel", "none")
    #expect(result.status == 2)
    #expect(result.errors == "leafroot: cannot open none: no such file or directory\n")
    #expect(try leafroot("boot", "image").status == 64)
  }

  @Test func `wrap warns of an image that is damaged, says where, and writes it`() throws {
    let whole = try Compressor.zstd.compress(ToolTests.image)
    let cases: [(name: String, bytes: [UInt8], warning: String)] = [
      (
        "raw", Array(ToolTests.image.prefix(111)),
        "offset 111: found the end of the file, expected more of the record at 0"
      ),
      (
        "header", ToolTests.image + Array(ToolTests.image.prefix(50)),
        "offset 294: found the end of the file, expected more of the record at 244"
      ),
      (
        "packed", Array(whole.dropLast(6)),
        "offset \(whole.count - 6): found the end of the file, expected more of the zstd member at 0"
      ),
      (
        "old", ToolTests.image + Array("070707".utf8) + zeros(110),
        "offset 244: found '070707', expected 070701 or 070702"
      ),
    ]
    for (name, bytes, warning) in cases {
      try directory.file(name, bytes)
      let result = try leafroot("wrap", name, "-o", "out", "--arch", "x86_64")
      #expect(result.status == 1)
      #expect(result.errors == "leafroot: warning: \(name): \(warning)\n")
      #expect(result.output.contains("\nkernel parameters: rdinit=/leafroot nonroot_initramfs\n"))
      #expect(try directory.bytes("out").suffix(bytes.count) == bytes[...])
    }
  }

  @Test(arguments: [
    ["tie"], ["tie", "--help"], ["tie", "--version"], ["help", "tie"], ["help", "tie", "--help"],
  ])
  func `an unknown verb is wrong usage, whatever follows it`(words: [String])
    throws
  {
    let result = try leafroot(words)
    #expect(result.status == 64)
    #expect(result.output == "")
    #expect(result.errors.hasPrefix("Error: Unexpected argument 'tie'\n"))
  }

  @Test(arguments: [["--help"], ["help"], ["help", "wrap"], ["wrap", "--help"], ["--version"]])
  func `twin: help that there is gives 0`(words: [String]) throws {
    let result = try leafroot(words)
    #expect(result.status == 0)
    #expect(result.errors == "")
  }

  @Test func `the version is one line, with the commit if the build knew it`() throws {
    let result = try leafroot("--version")
    #expect(
      try #/leafroot [0-9]+\.[0-9]+\.[0-9]+(-[a-z0-9.]+)?( \([0-9a-f]{7,}(-dirty)?\))?\n/#
        .wholeMatch(in: result.output) != nil)
  }
}
