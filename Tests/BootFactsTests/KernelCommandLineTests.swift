// SPDX-License-Identifier: MIT

import BootFacts
import Testing

@Suite struct `Reading the kernel's command line` {
  private func parse(_ text: String) -> KernelCommandLine { KernelCommandLine(Array(text.utf8)) }

  /// `name` or `name=[value]`
  private func words(_ words: [KernelWord]) -> [String] {
    words.map { word in
      let name = String(decoding: word.name, as: UTF8.self)
      guard let value = word.value else { return name }
      return "\(name)=[\(String(decoding: value, as: UTF8.self))]"
    }
  }

  @Test(arguments: [
    ("", []),
    (" \t\n", []),
    ("quiet  console=ttyS0,115200\tpanic=-1\n", ["quiet", "console=[ttyS0,115200]", "panic=[-1]"]),
    ("a=b=c =d e=", ["a=[b=c]", "=d", "e=[]"]),
    // The cases of lib/cmdline_kunit.c and kernel/params.c: quotes go, blanks in them stay.
    ("foo=\"bar baz\" x", ["foo=[bar baz]", "x"]),
    ("\"foo=bar baz\" x", ["foo=[bar baz]", "x"]),
    ("\"foo bar\" x", ["foo bar", "x"]),
    ("foo=ba\"r b\"az x", ["foo=[ba\"r b\"az]", "x"]),
    ("foo=\"bar", ["foo=[bar]"]),
    ("foo=\"bar x", ["foo=[bar x]"]),
    ("\"", [""]),
    ("foo=\"", ["foo=[]"]),
    ("a\u{0b}b\u{0c}c\rd", ["a", "b", "c", "d"]),
  ])
  func `is cut into words as next_arg() cuts it`(text: String, expected: [String]) {
    #expect(words(parse(text).words) == expected)
  }

  /// lib/ctype.c: a blank of ISO 8859-1 is one to the kernel, too.
  @Test func `ends a word at the byte 0xa0`() {
    let line = KernelCommandLine(Array("a".utf8) + [0xA0] + Array("b".utf8) + [0xA1])
    #expect(line.words.map { Array($0.name) } == [[0x61], [0x62, 0xA1]])
  }

  @Test func `what stands behind -- is the init's`() {
    let line = parse("quiet -- nonroot_initramfs single -- more")
    #expect(words(line.words) == ["quiet"])
    #expect(words(line.behindDashes) == ["nonroot_initramfs", "single", "--", "more"])
  }

  @Test func `-- with a value, or in quotes with more, is a word like others`() {
    #expect(words(parse("--=x --y -- z").words) == ["--=[x]", "--y"])
  }

  @Test func `a dash in a name is an underscore, as parameq() has it; not in what is looked for`() {
    let line = parse("nonroot-initramfs leafroot-init=/x")
    #expect(line.words[0].isBare("nonroot_initramfs"))
    #expect(!line.words[0].isBare("nonroot+initramfs"))
    #expect(line.value(of: "leafroot_init").map { Array($0) } == Array("/x".utf8))
  }

  @Test func `the last value counts, a bare word is none`() {
    let line = parse("o=1 o=2 o")
    #expect(line.value(of: "o").map { Array($0) } == [0x32])
    #expect(line.value(of: "oo") == nil)
  }

  @Test func `with a value the bare word is another`() {
    #expect(!parse("nonroot_initramfs=1").words[0].isBare("nonroot_initramfs"))
  }
}
