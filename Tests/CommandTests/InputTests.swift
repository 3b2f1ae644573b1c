// SPDX-License-Identifier: MIT

import OddImages
import TestSupport
import Testing

/// Images that come through a pipe. It can be read once, so what a verb reads is what it has checked.
@Suite struct InputTests {
  private let machine: FakeMachine
  private var directory: TemporaryDirectory { machine.directory }

  init() throws {
    machine = try FakeMachine()
    try machine.qemu(FakeMachine.check)
    try directory.file(
      "packed",
      archive([
        .file("leafroot", "program", 0o755), .directory(".leafroot"), .directory(".leafroot/a"),
        OddRecord.file(".leafroot/a/0000").with { $0.data = archive([.file("init", "#!", 0o755)]) },
        .file(".leafroot/a/about", "members 1\n"),
      ]))
    _ = try machine.shell("mkdir root; echo content > root/file; tar cf tree.tar -C root .")
  }

  /// What a verb reads, and the verb with IMAGE in the place of that.
  static let verbs = [
    ("image", "inspect IMAGE --list"), ("image", "inspect IMAGE"), ("packed", "inspect IMAGE"),
    ("packed", "inspect IMAGE --cat init"), ("packed", "inspect IMAGE --json --list"),
    ("image", "unpack IMAGE out"), ("packed", "unpack IMAGE out"),
    ("image", "wrap IMAGE -o out --arch x86_64"), ("image", "nest IMAGE -o out --arch x86_64"),
    ("image", "pack IMAGE -o out --arch x86_64"), ("tree.tar", "pack IMAGE -o out --arch x86_64"),
    ("image", "boot IMAGE --kernel vmlinuz"),
  ]

  /// Scripts that run VERB with SOURCE, and what the verb calls it.
  static let ways = [
    ("-", "$leafroot VERB < SOURCE"), ("-", "cat SOURCE | $leafroot VERB"),
    ("pipe", "mkfifo pipe; cat SOURCE > pipe & sleep 0.1; $leafroot VERB"),
    ("pipe", "mkfifo pipe; { sleep 0.3; cat SOURCE > pipe; } & sleep 0.1; $leafroot VERB"),
    // Behind the place at which standard input is.
    ("-", "{ echo line; cat SOURCE; } > longer; { read line; $leafroot VERB; } < longer"),
  ]

  @Test(arguments: verbs)
  func `a verb does the same with a pipe and with a file`(source: String, verb: String) throws {
    func run(_ name: String, _ script: String) throws -> (report: String, made: [UInt8]) {
      _ = try machine.shell("rm -rf out pipe")
      let ended = try machine.shell(
        script.replacing("VERB", with: verb).replacing("IMAGE", with: name)
          .replacing("SOURCE", with: source))
      #expect(ended.status == 0, "\(script): \(ended.errors)")
      let made = try machine.shell(
        "[ ! -d out ] || { cd out; find . -printf '%P %M %s\\n' | sort; cat *; }; cat out")
      return (ended.output.replacing(name, with: source), made.bytes)
    }

    let file = try run(source, "$leafroot VERB")
    for (name, script) in Self.ways {
      let other = try run(name, script)
      #expect(other.made == file.made, "\(script)")
      // Only a name like no other can be replaced, and a boot takes its time.
      if name != "-", !verb.hasPrefix("boot") { #expect(other.report == file.report, "\(script)") }
    }
  }

  @Test(arguments: [
    "inspect -", "unpack - tree", "wrap - -o out", "nest - -o out", "pack - -o out",
  ])
  func `standard input that is no file and no pipe is named`(verb: String) throws {
    for (redirection, kind) in [("< /dev/null", "a character device"), ("< root", "a directory")] {
      let result = try machine.shell("exec $leafroot \(verb) \(redirection)")
      #expect(result.status == 2)
      #expect(result.errors == "leafroot: standard input: is \(kind), not a regular file\n")
    }
    #expect(try machine.shell("exec $leafroot \(verb) <&-").status == 2)
    #expect(try !directory.names.contains("out") && !directory.names.contains("tree"))
  }

  @Test func `an empty pipe is an empty image`() throws {
    let result = try machine.shell("true | $leafroot wrap - -o out --arch x86_64")
    #expect(result.status == 2)
    #expect(result.errors == "leafroot: standard input: is empty\n")
  }

  @Test func `entry wants files`() throws {
    let result = try machine.shell("$leafroot entry - --for grub < image")
    #expect(result.status == 64)
    #expect(result.errors.contains("entry needs the files that the boot loader loads"))
  }
}
