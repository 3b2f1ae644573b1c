// SPDX-License-Identifier: MIT

import Foundation
import SystemPackage
import TestSupport
import Testing

/// The built tool, run as people run it.
@Suite struct ToolTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    var program = [UInt8](repeating: 0, count: 64)
    program.replaceSubrange(0..<6, with: [0x7F, 0x45, 0x4C, 0x46, 2, 1])
    program[18] = 62
    try directory.file("leafroot-init.x86_64", program)
    try directory.file("image", [0x28, 0xB5, 0x2F, 0xFD, 1, 2, 3], permissions: 0o640)
  }

  @Test func `wrap prints the sizes and the words for the kernel`() throws {
    let result = try leafroot("wrap", "image", "-o", "out", "--arch", "x86_64")
    #expect(result.status == 0)
    #expect(
      result.output == """
        out: 519 bytes, 512 of LeafRoot (x86_64) and 7 of image (zstd)
        kernel words: rdinit=/leafroot nonroot_initramfs

        """)
    #expect(try directory.bytes("out").count == 519)
    #expect(try directory.permissions("out") == 0o640)
  }

  @Test func `wrap writes the image to standard output, and the words beside it`() throws {
    let file = try leafroot("wrap", "image", "-o", "out", "--arch", "x86_64")
    let stream = try leafroot("wrap", "image", "-o", "-", "--arch", "x86_64")
    #expect(stream.bytes == (try directory.bytes("out")))
    #expect(stream.errors == file.output.replacing("out: ", with: "-: "))
  }

  @Test func `a full standard output is an error`() throws {
    var command = Command(
      ["sh", "-c", "exec \(Command.leafroot) wrap image -o - --arch x86_64 >/dev/full"],
      in: directory.path)
    command.environment["LEAFROOT_LIB"] = "."
    #expect(try command.run().status == 1)
  }

  @Test func `the bare segment before an image is the wrapped image`() throws {
    try leafroot("wrap", "--segment", "-o", "leaf.img", "--arch", "x86_64")
    try leafroot("wrap", "image", "-o", "out", "--arch", "x86_64")
    #expect(try directory.bytes("leaf.img") + directory.bytes("image") == directory.bytes("out"))
  }

  @Test func `SOURCE_DATE_EPOCH dates the file, nothing else does`() throws {
    try leafroot("wrap", "image", "-o", "one", "--arch", "x86_64")
    try leafroot("wrap", "image", "-o", "two", "--arch", "x86_64")
    try leafroot(
      "wrap", "image", "-o", "dated", "--arch", "x86_64", epoch: "1700000000")
    #expect(try directory.bytes("one") == directory.bytes("two"))
    #expect(try directory.bytes("one") != directory.bytes("dated"))
    #expect(
      try leafroot("wrap", "image", "-o", "x", "--arch", "x86_64", epoch: "soon").status == 64)
  }

  @Test func `an error is one line that names the file, and leaves none behind`() throws {
    try leafroot("wrap", "image", "-o", "out", "--arch", "x86_64")
    let result = try leafroot("wrap", "out", "-o", "twice", "--arch", "x86_64")
    #expect(result.status == 1)
    #expect(result.output == "")
    #expect(
      result.errors == """
        leafroot: out: offset 0: found an image that is wrapped already, \
        expected one without /leafroot

        """)
    #expect(try directory.names == ["image", "leafroot-init.x86_64", "out"])
  }

  @Test func `a missing leafroot-init is named, with the ways to name it`() throws {
    let result = try leafroot("wrap", "image", "-o", "out", "--arch", "aarch64")
    #expect(result.status == 1)
    #expect(
      result.errors == """
        leafroot: ./leafroot-init.aarch64: found no such file, \
        expected the built leafroot-init (name it with --init or LEAFROOT_LIB)

        """)
  }

  @Test func `boot without a kernel file is 2, wrong usage is 64`() throws {
    let result = try leafroot("boot", "image", "--kernel", "none")
    #expect(result.status == 2)
    #expect(
      result.errors
        == "leafroot: none: found no such file or directory, expected a readable file\n")
    #expect(try leafroot("boot", "image").status == 64)
    #expect(try leafroot("tie").status == 64)
  }

  @Test func `boot shows the verdict, and keeps the log without escape sequences`() throws {
    try qemu(
      #"""
      printf '\033[2J@leafroot check ' > "$serial"
      cat >> "$serial" <<'END'
      {"mountId":29,"parentId":1,"type":"tmpfs","options":"rw","isLeaf":true,\#
      "pivotRoot":"ok","asPromised":true,"uptime":1}
      END
      """#)
    let result = try boot("--log", "log")
    #expect(result.status == 0)
    #expect(result.output.hasPrefix("verdict     as promised\n"))
    #expect(String(decoding: try directory.bytes("log"), as: UTF8.self).hasPrefix("@leafroot"))
  }

  @Test func `boot gives 2 when QEMU gives up, with its last words`() throws {
    try qemu("echo 'no such machine' >&2; exit 1")
    let result = try boot()
    #expect(result.status == 2)
    #expect(
      result.errors.hasSuffix(
        "found exit status 1: no such machine, expected the guest to end it\n"))
  }

  @Test func `boot switches a machine off that does not end, and gives 2`() throws {
    try qemu("echo $$ > pid; exec sleep 60")
    let result = try boot("--timeout", "0.5")
    #expect(result.status == 2)
    #expect(result.output.hasPrefix("verdict  timed out\n"))
    #expect(try !isRunning())
  }

  @Test func `boot ends QEMU when it is interrupted, and gives 130`() throws {
    try qemu("echo $$ > pid; kill -INT $PPID; exec sleep 60")
    let result = try boot()
    #expect(result.status == 130)
    #expect(result.output == "")
    #expect(try !isRunning())
  }

  /// Puts a script in the place of QEMU; `$serial` is the file for the console.
  private func qemu(_ script: String) throws {
    try directory.file(
      "qemu-system-x86_64",
      Array(
        """
        #!/bin/sh
        serial=
        for word; do case $word in file:*) serial=${word#file:};; esac; done
        [ "$serial" ] || exit 1 # asked whether KVM serves guests
        \(script)

        """.utf8), permissions: 0o755)
    var kernel = [UInt8](repeating: 0, count: 0x400)
    kernel.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
    try directory.file("vmlinuz", kernel)
  }

  private func boot(_ options: String...) throws -> Command.Ended {
    try leafroot(["boot", "image", "--kernel", "vmlinuz"] + options, epoch: nil)
  }

  /// Whether the process that wrote its number to `pid` is there.
  private func isRunning() throws -> Bool {
    let pid = String(decoding: try directory.bytes("pid"), as: UTF8.self)
    return kill(try #require(Int32(pid.dropLast())), 0) == 0
  }

  @discardableResult
  private func leafroot(_ arguments: String..., epoch: String? = nil) throws -> Command.Ended {
    try leafroot(arguments, epoch: epoch)
  }

  /// Runs the tool in the directory.
  private func leafroot(_ arguments: [String], epoch: String?) throws -> Command.Ended {
    var command = Command([Command.leafroot] + arguments, in: directory.path)
    command.environment["LEAFROOT_LIB"] = "."
    command.environment["SOURCE_DATE_EPOCH"] = epoch
    command.environment["TMPDIR"] = directory.path.string
    let path = command.environment["PATH"] ?? ""
    command.environment["PATH"] = "\(directory.path):\(path)"
    return try command.run()
  }
}
