// SPDX-License-Identifier: MIT

import Foundation
import FoundationXML
import TestSupport
import Testing

/// `leafroot matrix`, with a script in the place of QEMU: with 64M it is as promised, with
/// 32M the kernel panics.
@Suite struct MatrixTests {
  private let machine: FakeMachine

  init() throws {
    machine = try FakeMachine()
    try machine.qemu(
      """
      echo "$memory" >> tried
      if [ "$memory" -lt 64 ]; then
        printf 'a <b> & "c" \\001]]>\\nKernel panic - not syncing: no\\n' > "$serial"
        exit
      fi
      \(FakeMachine.check)
      """)
  }

  private func matrix(_ text: String, _ options: String...) throws -> Command.Ended {
    try machine.directory.file("matrix.json", Array(text.utf8))
    let options = options.map { "'\($0)'" }.joined(separator: " ")
    return try machine.shell("exec $leafroot matrix matrix.json \(options)")
  }

  @Test func `a matrix boots each combination, and prints a row for each`() throws {
    let result = try matrix(
      """
      {
        // JSON5: comments, and a comma at the end.
        "cases": [
          { "kernels": ["vmlinuz"], "images": ["image", ["image", "image"]],
            "memory": ["64M", "1G"], "append": ["", "quiet"] },
          { "kernels": ["vmlinuz"], "images": ["image"], "memory": ["32M"], "expect": "no check" },
        ],
      }
      """)
    #expect(result.status == 0)
    let rows = result.output.split(separator: "\n").map { $0.split(separator: " ") }
    #expect(rows.count == 11)
    #expect(rows[1].prefix(4) == ["vmlinuz", "image", "64M", "ok:"])
    #expect(rows[2].prefix(5) == ["vmlinuz", "image", "64M", "quiet", "ok:"])
    #expect(rows[8].prefix(7) == ["vmlinuz", "image", "+", "image", "1024M", "quiet", "ok:"])
    #expect(rows[9].prefix(6) == ["vmlinuz", "image", "32M", "ok:", "kernel", "panic"])
    #expect(result.output.hasSuffix("\n\n9 boots: 0 unexpected, 0 errors\n"))
    #expect(result.errors.split(separator: "\n").count == 10)
    #expect(result.errors.contains("leafroot: 9/9 ok: vmlinuz "))
    #expect(try machine.runs == [])
  }

  @Test func `a boot that is not as expected gives 1, and keeps its directory alone`() throws {
    let result = try matrix(
      #"""
      {"cases": [{"kernels": ["vmlinuz"], "images": ["image"], "memory": ["64M", "32M"]},
        {"kernels": ["vmlinuz"], "images": ["image"], "memory": ["65M"], "expect": "no check"}]}
      """#)
    #expect(result.status == 1)
    #expect(result.output.contains("FAILED: kernel panic  as promised"))
    #expect(result.output.contains("FAILED: as promised   no check"))
    #expect(result.output.hasSuffix("3 boots: 2 unexpected, 0 errors\n"))
    let runs = try machine.runs
    #expect(runs.count == 2)
    for run in runs { #expect(result.output.contains("kept \(machine.directory.path)/\(run)\n")) }
  }

  @Test func `a boot that cannot be made gives 2, and the others are made`() throws {
    let result = try matrix(
      #"""
      {"cases": [{"kernels": ["none", "vmlinuz"], "images": ["image", "missing"],
        "memory": ["64M"], "expect": "not as promised"}]}
      """#)
    #expect(result.status == 2)
    #expect(result.output.contains("ERROR: cannot open none: no such file or directory"))
    #expect(result.output.contains("ERROR: cannot open missing: no such file or directory"))
    #expect(result.output.hasSuffix("4 boots: 1 unexpected, 3 errors\n"))
    #expect(try machine.runs.count == 1)
  }

  @Test func `a command that fails can be expected, and options are for all blocks`() throws {
    try machine.qemu(
      """
      case "$*" in *quiet*) ;; *) exit 1;; esac
      \(FakeMachine.check)
      printf '\\n@leafroot command\\n\\n@leafroot exit 3\\n' >> "$serial"
      """)
    let text = #"""
      {"cases": [{"kernels": ["vmlinuz"], "images": ["image"], "expect": "command fails"}]}
      """#
    let result = try matrix(text, "--append", "quiet quiet", "--", "false")
    #expect(result.status == 0)
    #expect(result.output.contains("ok: as promised, command: exit 3  command fails"))
  }

  /// What XMLParser finds: the elements' names and attributes, and the text in them.
  private final class Elements: NSObject, XMLParserDelegate {
    var all: [(name: String, attributes: [String: String])] = []
    var text: [String: String] = [:]

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
      qualifiedName: String?, attributes: [String: String]
    ) { all.append((name, attributes)) }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
      text[all.last?.name ?? "", default: ""] += string
    }
  }

  @Test func `JUnit's report is XML with a case for each boot, whatever the console has`() throws {
    let result = try matrix(
      #"""
      {"cases": [{"kernels": ["vmlinuz", "a<&\"'\u0001"], "images": ["image"],
        "memory": ["64M", "32M"]}]}
      """#, "--junit", "report.xml", "--jobs", "1")
    #expect(result.status == 2)
    let parser = XMLParser(data: Data(try machine.directory.bytes("report.xml")))
    let elements = Elements()
    parser.delegate = elements
    #expect(parser.parse(), "\(String(describing: parser.parserError))")
    #expect(
      elements.all.map(\.name) == [
        "testsuites", "testsuite", "testcase", "system-out", "testcase", "failure", "system-out",
        "testcase", "error", "testcase", "error",
      ])
    let suite = elements.all[1].attributes
    #expect(suite["tests"] == "4" && suite["failures"] == "1" && suite["errors"] == "2")
    #expect(elements.all[4].attributes["classname"] == "vmlinuz")
    #expect(elements.all[4].attributes["name"] == "image 32M")
    #expect(elements.all[7].attributes["classname"] == "a<&\"'\u{FFFD}")
    #expect(
      elements.all[5].attributes["message"] == "kernel panic, expected: as promised")
    #expect(elements.text["system-out"]?.contains("a <b> & \"c\" ]]>\nKernel panic") == true)
  }

  @Test func `a report that cannot be written is an error before the first boot`() throws {
    let result = try matrix(
      #"{"cases": [{"kernels": ["vmlinuz"], "images": ["image"]}]}"#, "--junit", "none/report.xml")
    #expect(result.status == 2)
    #expect(
      result.errors == "leafroot: cannot create none/report.xml: no such file or directory\n")
    #expect(try !machine.directory.names.contains("tried"))
  }

  @Test func `an interrupted matrix ends all machines, and leaves no directory`() throws {
    try machine.qemu(
      """
      echo $$ > "pid$memory"
      until [ -e pid64 ] && [ -e pid65 ]; do sleep 0.1; done
      [ "$memory" = 65 ] || kill -INT $PPID
      exec sleep 60
      """)
    let result = try matrix(
      #"""
      {"cases": [{"kernels": ["vmlinuz"], "images": ["image"], "memory": ["64M", "65M", "66M"]}]}
      """#, "--jobs", "2", "--junit", "report.xml")
    #expect(result.status == 130)
    #expect(try !machine.isRunning("pid64"))
    #expect(try !machine.isRunning("pid65"))
    #expect(try machine.runs == [])
    let names = try machine.directory.names
    #expect(!names.contains("pid66") && !names.contains("report.xml"))
  }

  @Test func `not more machines than --jobs run at a time`() throws {
    try machine.qemu(
      """
      mkdir running || echo twice > twice
      sleep 0.2
      rmdir running
      \(FakeMachine.check)
      """)
    let text = #"""
      {"cases": [{"kernels": ["vmlinuz"], "images": ["image"], "memory": ["64M", "65M", "66M"]}]}
      """#
    #expect(try matrix(text, "--jobs", "1").status == 0)
    #expect(try !machine.directory.names.contains("twice"))
    // The twin.
    #expect(try matrix(text, "--jobs", "3").status == 0)
    #expect(try machine.directory.names.contains("twice"))
  }

  @Test(arguments: [
    ("", "is empty"), ("{", "is not JSON or JSON5"), ("{\"cases\": [{]}", "is not JSON or JSON5"),
    ("[]", "found an empty list, expected an object"),
    ("{}", "cases: found nothing, expected a list of objects"),
    ("{'cases': []}", "cases: found an empty list, expected a list of objects"),
    ("{'cases': [], x: 1}", "x: found an unknown key, expected cases"),
    ("{'cases': [3]}", "cases[0]: found 3, expected an object"),
    (block("memmory: []"), "cases[0].memmory: found an unknown key, expected kernels, images,"),
    (block("memory: [512]"), "cases[0].memory[0]: found 512, expected a size such as"),
    (block("memory: '512M'"), "cases[0].memory: found \"512M\", expected a list of sizes"),
    (block("append: ['', {}]"), "cases[0].append[1]: found an object, expected a string"),
    (block("command: [null]"), "cases[0].command[0]: found null, expected a string"),
    (block("cpus: 1.5"), "cases[0].cpus: found 1.5, expected a number from 1 on"),
    (block("memory: ['5X']"), "cases[0].memory[0]: found \"5X\", expected a size such as \"512M\""),
    (block("arch: ['x86']"), "cases[0].arch[0]: found \"x86\", expected x86_64, aarch64 or"),
    (block("expect: 'ok'"), "cases[0].expect: found \"ok\", expected \"as promised\", "),
    (block("cpus: 0"), "cases[0].cpus: found 0, expected a number from 1 on"),
    (block("timeout: Infinity"), "cases[0].timeout: found inf, expected seconds, from 0.1"),
    (block("timeout: 1e999"), "cases[0].timeout: found a number out of range, expected seconds,"),
    (block("stock: 'no'"), "cases[0].stock: found \"no\", expected true or false"),
    (
      "{'cases': [{'kernels': ['a'], 'images': ['i', true]}]}",
      "cases[0].images[1]: found true, expected a file, or a list of files"
    ),
    ("{'cases': [{'kernels': ['a']}]}", "cases[0].images: found nothing, expected a list of"),
  ])
  func `what is wrong in a matrix is an error with its place`(
    text: String, reason: String
  ) throws {
    let result = try matrix(text)
    #expect(result.status == 2)
    #expect(
      result.errors.hasPrefix("leafroot: matrix.json: \(reason)"), "\(text): \(result.errors)")
    #expect(result.output == "")
  }

  private static func block(_ fields: String) -> String {
    "{cases: [{kernels: ['vmlinuz'], images: ['image'], \(fields)}]}"
  }

  @Test func `the manual's example is a matrix, with names relative to its directory`() throws {
    let page = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Documentation/leafroot.1.md")
    let lines = try String(contentsOf: page, encoding: .utf8).split(
      separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(lines.firstIndex { $0.contains("// kernels.json") })
    let example = lines[start...].prefix { $0.hasPrefix("    ") }.joined(separator: "\n")

    try machine.directory.file(
      "fetch-kernels", Array("case $2 in *x86_64) echo ../vmlinuz;; *) exit 1;; esac".utf8))
    for name in ["wrapped.img", "leaf.img", "initrd.img"] {
      try machine.directory.file(name, try machine.directory.bytes("image"))
    }
    try machine.directory.file("kernels.json", Array(example.utf8))
    let result = try machine.shell(
      "mkdir sub; cd sub; PATH=..:$PATH LEAFROOT_LIBEXEC=.. LEAFROOT_LIB=.. "
        + "exec $leafroot matrix ../kernels.json --arch x86_64")
    // The stand-in for QEMU is as promised without the leaf, too.
    #expect(result.status == 1, "\(result.errors)")
    #expect(result.output.hasSuffix("\n7 boots: 1 unexpected, 0 errors\n"))
  }

  @Test(arguments: [
    "matrix", "matrix a b", "matrix a --kernel vmlinuz", "matrix a --json", "matrix a --keep",
    "matrix a --jobs 0", "matrix a --jobs 257", "boot image --kernel vmlinuz --jobs 2",
    "boot image --kernel vmlinuz --junit x", "boot image", "boot --kernel vmlinuz",
  ])
  func `an option of another verb is wrong usage, and so is a missing argument`(
    words: String
  ) throws {
    #expect(try machine.shell("exec $leafroot \(words)").status == 64)
  }
}
