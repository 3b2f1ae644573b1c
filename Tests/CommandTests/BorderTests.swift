// SPDX-License-Identifier: MIT

import OddImages
import Samples
import TestSupport
import Testing

/// What each verb does at its borders: output that cannot be written, limits, programs that cannot
/// be executed, streams that are closed.
@Suite struct BorderTests {
  private let machine: FakeMachine
  private var directory: TemporaryDirectory { machine.directory }

  init() throws {
    machine = try FakeMachine()
    try machine.qemu(FakeMachine.check)
    try directory.file("leaf", archive([.file("leafroot", "program", 0o755)]))
    try directory.file(
      "matrix.json", Array(#"{"cases": [{"images": ["image"], "kernels": ["vmlinuz"]}]}"#.utf8))
  }

  static let verbs = [
    "inspect image", "inspect image --list", "inspect image --json", "inspect image --json --list",
    "inspect image --cat init", "unpack image tree", "wrap image -o out --arch x86_64",
    "wrap image -o - --arch x86_64", "wrap --segment -o out --arch x86_64",
    "wrap --segment -o - --arch x86_64", "pack image -o out --arch x86_64",
    "nest image -o out --arch x86_64", "nest --segment -o out --arch x86_64",
    "entry leaf image --for grub", "boot image --kernel vmlinuz",
    "boot image --kernel vmlinuz --json", "least-memory image --kernel vmlinuz",
    "matrix matrix.json", "--help", "--version", "help wrap", "wrap --help",
  ]

  @Test(arguments: verbs)
  func `each verb gives 2 where it cannot write standard output`(verb: String) throws {
    for (redirection, reason) in [
      (">/dev/full", "no space left on device"), (">&-", "bad file descriptor"),
    ] {
      let result = try machine.shell("exec $leafroot \(verb) \(redirection)")
      #expect(result.status == 2, "\(redirection)")
      #expect(
        result.errors.hasSuffix("leafroot: cannot write standard output: \(reason)\n"),
        "\(result.errors)")
      _ = try machine.shell("rm -rf tree")
    }
  }

  @Test(arguments: verbs)
  func `twin: where it can, it gives 0`(verb: String) throws {
    let result = try machine.shell("exec $leafroot \(verb)")
    #expect(result.status == 0, "\(result.errors)")
    #expect(!result.bytes.isEmpty)
  }

  @Test func `a report never gets into an image, although standard output is closed`() throws {
    #expect(try machine.shell("$leafroot wrap image -o good --arch x86_64").status == 0)
    _ = try machine.shell("exec $leafroot wrap image -o out --arch x86_64 >&- 2>&- <&-")
    #expect(try directory.bytes("out") == directory.bytes("good"))
  }

  @Test(arguments: [
    "inspect many", "inspect many --json", "inspect many --cat 1", "pack many -o out --arch x86_64",
    "nest many -o out --arch x86_64", "entry leaf many --for grub",
  ])
  func `a tree beyond the limits of memory gives 2, and a sentence`(verb: String) throws {
    try directory.file("many", Self.manySteps)
    let result = try machine.shell("exec $leafroot \(verb)")
    #expect(result.status == 2)
    #expect(result.output == "")
    let name = verb.hasPrefix("entry") ? "leaf + many" : "many"
    #expect(
      result.errors == """
        leafroot: \(name): has more than 4000000 steps through symbolic links; only \
        'leafroot inspect --list' reads it

        """)
    #expect(try !directory.names.contains("out"))
  }

  /// A million files would do the same, and take minutes without optimization.
  private static let manySteps: [UInt8] = {
    let detour = String(repeating: "/.", count: 2_000)
    var records = [OddRecord.link("0", to: "." + detour)]
    for index in 1..<40 { records.append(.link("\(index)", to: "\(index - 1)" + detour)) }
    for index in 0..<100 { records.append(.file("\(38 + index % 2)/f\(index)")) }
    return archive(records)
  }()

  @Test func `a QEMU that cannot be executed gives 2, and says why`() throws {
    try directory.file("qemu-system-x86_64", elf(count: 64), permissions: 0o755)
    let result = try machine.boot()
    #expect(result.status == 2)
    #expect(
      result.errors.hasSuffix(
        "leafroot: cannot execute qemu-system-x86_64: exec format error\n"),
      "\(result.errors)")
    #expect(!result.errors.contains("Error:"))
  }

  @Test(arguments: [["NO_COLOR": "1"], ["NO_COLOR": ""], [:]])
  func `colours are for terminals, and for those who do not refuse them`(
    variables: [String: String]
  ) throws {
    var inspect = Tool(in: directory, "inspect")
    inspect.environment.merge(variables) { $1 }
    let output = try inspect.onTerminal("image")
    #expect(output.contains("\u{1B}[") == (variables["NO_COLOR"] != "1"))
    #expect(output.contains("offset  size  codec"))
  }

  // MARK: Alignment

  private static let whole = archive([.directory("dev"), .file("init", "#!", 0o755)])

  @Test(arguments: 1...3)
  func `a raw archive at another offset than a multiple of 4 is called misaligned`(
    gap: Int
  ) throws {
    let packed = try Compressor.gzip.compress(Self.whole)
    let fronts = [
      zeros(gap), zeros(4096 + gap), packed + zeros((-packed.count & 3) + gap),
      Self.whole + zeros((-Self.whole.count & 3) + 4) + packed
        + zeros((-packed.count & 3) + gap),
    ]
    for front in fronts {
      try directory.file("odd", front + Self.whole)
      let words =
        "offset \(front.count): found a newc archive, expected alignment: a newc archive begins "
        + "at a multiple of 4; insert \(4 - gap) zero byte"
      for verb in [
        "inspect odd", "inspect odd --list", "unpack odd tree", "wrap odd -o out --arch x86_64",
        "pack odd -o out --arch x86_64", "nest odd -o out --arch x86_64",
      ] {
        let result = try machine.shell("exec $leafroot \(verb)")
        #expect(result.status != 0)
        #expect(
          (result.output + result.errors).contains(words),
          "\(verb): \(result.output) \(result.errors)")
        _ = try machine.shell("rm -rf tree out")
      }
    }
  }

  @Test func `twin: at a multiple of 4 there is nothing to say`() throws {
    let packed = try Compressor.gzip.compress(Self.whole)
    try directory.file("even", packed + zeros(-packed.count & 3) + Self.whole)
    let result = try machine.shell("exec $leafroot inspect even")
    #expect(result.status == 0)
    #expect(!result.output.contains("alignment"))
  }

  // MARK: The console

  @Test(arguments: [
    "dev/console", "./dev/console", "/dev/console", "dev//console", "dev/./console",
  ])
  func `a console that is a file is reported by each verb that reads the tree`(name: String) throws
  {
    let tree = archive([.directory("dev"), .file(name, "", 0o755), .file("init", "#!", 0o755)])
    for bytes in [tree, try Compressor.gzip.compress(tree)] {
      try directory.file("docker", bytes)
      for verb in [
        "inspect docker", "inspect docker --json", "wrap docker -o wrapped --arch x86_64",
        "pack docker -o packed --arch x86_64", "nest docker -o nested --arch x86_64",
        "inspect wrapped", "inspect packed", "boot docker --kernel vmlinuz",
        "boot packed --kernel vmlinuz",
      ] {
        let result = try machine.shell("exec $leafroot \(verb)")
        #expect(result.status == 0, "\(verb): \(result.errors)")
        let text = result.output + result.errors
        for words in [
          "warning", "/dev/console is a regular file", "appears on the console",
          "remove the file", "character device 5:1",
        ] {
          #expect(text.contains(words), "\(verb): \(text)")
        }
      }
    }
  }

  @Test(arguments: [
    [OddRecord.node("dev/console", 0o020600, (5, 1))], [],
    [.file("dev/console"), .node("dev/console", 0o020600, (5, 1))], [.file("dev/console2")],
    [.directory("x"), .file("x/console")],
  ])
  func `twin: a device, or none, is no reason to warn`(records: [OddRecord]) throws {
    try directory.file(
      "tree.img", archive([.directory("dev")] + records + [.file("init", "#!", 0o755)]))
    for verb in [
      "inspect tree.img", "wrap tree.img -o out --arch x86_64",
      "pack tree.img -o out --arch x86_64", "boot tree.img --kernel vmlinuz",
    ] {
      let result = try machine.shell("exec $leafroot \(verb)")
      #expect(result.status == 0, "\(result.errors)")
      #expect(!(result.output + result.errors).contains("is a regular file"), "\(verb)")
    }
  }
}
