// SPDX-License-Identifier: MIT

import Foundation
import OddImages
import Samples
import SystemPackage
import TestSupport
import Testing

/// The built tool, run as people run it.
@Suite struct ToolTests {
  private let directory: TemporaryDirectory
  private static let image = archive([.file("init", "#!", 0o755)])

  init() throws {
    directory = try TemporaryDirectory()
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
    var command = Command(
      ["sh", "-c", "exec \(Command.leafroot) wrap image -o - --arch x86_64 >/dev/full"],
      in: directory.path)
    command.environment["LEAFROOT_LIB"] = "."
    let result = try command.run()
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
    #expect(result.status == 2)
    #expect(result.output == "")
    #expect(
      result.errors == """
        leafroot: out: is already wrapped: its first archive has /leafroot

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

  @Test func `boot shows the verdict, and keeps the log without escape sequences`() throws {
    try qemu(Self.check)
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
        "leafroot: qemu-system-x86_64: exited with status 1: no such machine\n"))
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

  @Test func `what the command prints comes while the machine runs`() throws {
    try qemu(
      """
      \(Self.check)
      printf '\\n@leafroot command\\none\\n' >> "$serial"
      until [ -e seen ]; do sleep 0.1; done
      printf 'two\\n\\n@leafroot exit 0\\n' >> "$serial"
      """)
    // If the first line did not come before the machine ends, this would time out.
    let result = try shell(
      "$leafroot boot image --kernel vmlinuz --timeout 20 -- x | "
        + "{ IFS= read -r line; touch seen; echo \"got $line\"; cat; }")
    #expect(result.output.hasPrefix("got one\ntwo\n\nverdict     as promised\n"))
    #expect(result.output.contains("\ncommand     exit 0\n"))
  }

  @Test func `with --json the command's output is in the object alone`() throws {
    try qemu(
      """
      \(Self.check)
      printf '\\n@leafroot command\\none\\n\\n@leafroot exit 0\\n' >> "$serial"
      """)
    let result = try boot("--json", "--", "x")
    #expect(result.output.hasPrefix("{\n"))
    #expect(result.output.contains(#""output" : "one\n""#))
  }

  @Test func `boot ends QEMU when nobody reads the command's output any more`() throws {
    try qemu(
      """
      echo $$ > pid
      \(Self.check)
      printf '\\n@leafroot command\\none\\ntwo\\n' >> "$serial"
      until [ -e seen ]; do sleep 0.1; done
      echo three >> "$serial"
      exec sleep 60
      """)
    let result = try shell(
      "{ $leafroot boot image --kernel vmlinuz -- x; echo $? > status; } | "
        + "{ IFS= read -r line; exec <&-; touch seen; echo \"got $line\"; }; cat status")
    #expect(result.output == "got one\n141\n")
    #expect(!result.errors.contains("pipe"))
    #expect(try !isRunning())
    #expect(try runs == [])
  }

  @Test func `a full standard output ends the machine`() throws {
    try qemu(
      """
      echo $$ > pid
      \(Self.check)
      printf '\\n@leafroot command\\none\\n' >> "$serial"
      exec sleep 60
      """)
    let result = try shell("exec $leafroot boot image --kernel vmlinuz -- x >/dev/full")
    #expect(result.status == 2)
    #expect(
      result.errors.hasSuffix(
        "leafroot: cannot write standard output: no space left on device\n"))
    #expect(try !isRunning())
  }

  @Test func `boot emulates a guest that KVM cannot go on with, and stops that machine`() throws {
    try qemu(
      """
      case "$*" in
        *"-accel kvm"*) echo $$ > pid; echo 'KVM internal error. Suberror: 1' >&2; exec sleep 60;;
      esac
      echo $$ > emulated
      """, probe: 0x21)
    _ = try boot()
    #expect(try directory.names.contains("emulated"))
    // Where there is no /dev/kvm, it is not tried.
    if access("/dev/kvm", R_OK | W_OK) == 0 { #expect(try !isRunning()) }
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
    let result = try leafroot(words, epoch: nil)
    #expect(result.status == 64)
    #expect(result.output == "")
    #expect(result.errors.hasPrefix("Error: Unexpected argument 'tie'\n"))
  }

  @Test(arguments: [["--help"], ["help"], ["help", "wrap"], ["wrap", "--help"], ["--version"]])
  func `twin: help that there is gives 0`(words: [String]) throws {
    let result = try leafroot(words, epoch: nil)
    #expect(result.status == 0)
    #expect(result.errors == "")
  }

  @Test func `the version is one line, with the commit if the build knew it`() throws {
    let result = try leafroot("--version")
    #expect(
      try #/leafroot [0-9]+\.[0-9]+\.[0-9]+(-[a-z0-9.]+)?( \([0-9a-f]{7,}(-dirty)?\))?\n/#
        .wholeMatch(in: result.output) != nil)
  }

  private static let check = #"""
    printf '\033[2J@leafroot check ' > "$serial"
    cat >> "$serial" <<'END'
    {"mountId":29,"parentId":1,"type":"tmpfs","options":"rw","isLeaf":true,\#
    "pivotRoot":"ok","asPromised":true,"uptime":1}
    END
    """#

  /// The directories of runs that are there.
  private var runs: [String] {
    get throws { try directory.names.filter { $0.hasPrefix("leafroot-") && !$0.contains(".") } }
  }

  @Test func `a boot as promised removes its files, unless --keep is given`() throws {
    try qemu(Self.check)
    let result = try boot()
    #expect(result.status == 0)
    #expect(!result.output.contains("replay"))
    #expect(try runs == [])

    let kept = try boot("--keep")
    let run = try #require(try runs.first)
    #expect(kept.output.contains("\nkept        \(directory.path)/\(run)\n"))
    #expect(kept.output.contains("\nreplay      qemu-system-x86_64 "))
  }

  @Test func `of boots that fail the last five are kept, and no other directory goes`() throws {
    try qemu("exit 0")
    // One that is running has no mark, and one without a mark is not ours.
    try FileManager.default.createDirectory(
      atPath: directory.path.string + "/leafroot-abcdef", withIntermediateDirectories: false)
    var all: [String] = []
    for _ in 0..<7 {
      let result = try boot()
      #expect(result.status == 2)
      let line = try #require(
        result.output.split(separator: "\n").first { $0.hasPrefix("kept ") })
      all.append(String(line.split(separator: "/").last!))
    }
    #expect(try runs == (all.suffix(5) + ["leafroot-abcdef"]).sorted())
    let files = try FileManager.default.contentsOfDirectory(
      atPath: directory.path.appending(all[6]).string)
    #expect(files.sorted() == ["console.log", "initrd.img", "kept"])
  }

  @Test func `what a QEMU that gave up was given is kept, and named`() throws {
    try qemu("echo 'no such machine' >&2; exit 1")
    let result = try boot()
    let run = try #require(try runs.first)
    #expect(result.errors.contains("\nleafroot: kept \(directory.path)/\(run)\n"))
  }

  /// Puts a script in the place of QEMU; `$serial` is the file for the console.
  /// - Parameter probe: its exit status where it is asked whether KVM serves guests: 0x21 for yes.
  private func qemu(_ script: String, probe: Int = 1) throws {
    try directory.file(
      "qemu-system-x86_64",
      Array(
        """
        #!/bin/sh
        serial=
        for word; do case $word in file:*) serial=${word#file:};; esac; done
        [ "$serial" ] || exit \(probe)
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

  /// Runs a script in the directory, with the tool as `$leafroot`.
  private func shell(_ script: String) throws -> Command.Ended {
    var command = Command(["sh", "-c", script], in: directory.path)
    command.environment["leafroot"] = Command.leafroot
    return try run(command, epoch: nil)
  }

  @discardableResult
  private func leafroot(_ arguments: String..., epoch: String? = nil) throws -> Command.Ended {
    try leafroot(arguments, epoch: epoch)
  }

  /// Runs the tool in the directory.
  private func leafroot(_ arguments: [String], epoch: String?) throws -> Command.Ended {
    try run(Command([Command.leafroot] + arguments, in: directory.path), epoch: epoch)
  }

  private func run(_ command: Command, epoch: String?) throws -> Command.Ended {
    var command = command
    command.environment["LEAFROOT_LIB"] = "."
    command.environment["SOURCE_DATE_EPOCH"] = epoch
    command.environment["TMPDIR"] = directory.path.string
    let path = command.environment["PATH"] ?? ""
    command.environment["PATH"] = "\(directory.path):\(path)"
    return try command.run()
  }
}
