// SPDX-License-Identifier: MIT

import BootEntries
import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// What a user gives reaches the kernel, or the boot loader's files, unchanged.
@Suite struct QuotingTests {
  private let directory = try! TemporaryDirectory()

  /// An entry for a leaf segment and images of these names, below the directory.
  private func text(
    _ loader: Loader, _ names: [String] = ["image.img"], kernel: String? = nil,
    prefix: String? = nil, append: String = ""
  ) throws -> String {
    let leaf = try directory.file("leaf.img", LoadedImagesTests.leaf)
    let paths = try names.map { name in
      let parent = directory.path.appending(name).removingLastComponent()
      try FileManager.default.createDirectory(
        atPath: parent.string, withIntermediateDirectories: true)
      return try directory.file(name, LoadedImagesTests.plain)
    }
    let entry = try BootEntry(
      LoadedImages([leaf] + paths), for: loader, kernel: kernel, prefix: prefix, append: append)
    return try loader.text(entry).replacing("\(directory.path)/", with: "HERE/")
  }

  private func error(_ body: () throws -> String) -> String? {
    do {
      _ = try body()
      return nil
    } catch let error as EntryError { return "\(error)" } catch { return "other: \(error)" }
  }

  private func line(_ start: String, of text: String) -> String? {
    text.split(separator: "\n").map { $0.drop { $0 == " " } }.first { $0.hasPrefix(start) }
      .map { String($0.dropFirst(start.count)) }
  }

  @Test func `sh reads every quoted word as it was`() throws {
    let bytes = (1...126).map { String(UnicodeScalar(UInt8($0))) }
    let words =
      ["", "a b", "it's", "''", "$HOME", "~", "~root", "`id`", "a=b", "-n", "ü", "[a]"]
      + bytes.flatMap { [$0, "a\($0)", "\($0)a", "a\($0)a"] }
    // What is not quoted could be a pattern of these.
    for name in ["a", "aa", "aaa"] { try directory.file(name, []) }
    let script =
      "for word in \(words.map(shellQuoted).joined(separator: " ")); do "
      + "printf '%s\\0' \"$word\"; done"
    let output = try Command(["sh", "-c", script], in: directory.path).output()
    let found = output.split(separator: 0, omittingEmptySubsequences: false).dropLast()
      .map { String(decoding: $0, as: UTF8.self) }
    #expect(found == words)
    #expect(shellQuoted("plain-1.2_3/4,5:6=7+8@9%") == "plain-1.2_3/4,5:6=7+8@9%")
  }

  @Test(arguments: [Loader.ipxe, .grub, .systemdBoot, .extlinux, .pxelinux])
  func `two images that the loader would take for one are refused`(loader: Loader) throws {
    let error = error { try text(loader, ["a/image.img", "b/image.img"]) }
    #expect(error?.contains("a/image.img' and '") == true, "\(error ?? "")")
    #expect(error?.hasSuffix("give them different names") == true)
    #expect(self.error { try text(loader, ["a/image.img", "b/other.img"]) } == nil)
    // The same file may be loaded twice.
    #expect(self.error { try text(loader, ["image.img", "image.img"]) } == nil)
  }

  @Test(arguments: [Loader.qemu, .kexec, .uki])
  func `twin: where the loader sees the files of this machine, they have their directories`(
    loader: Loader
  ) throws {
    let text = try text(loader, ["a/image.img", "b/image.img"])
    let (one, other) = (text.firstRange(of: "HERE/a/image"), text.firstRange(of: "HERE/b/image"))
    #expect(try #require(one).lowerBound < #require(other).lowerBound)
    #expect(error { try self.text(loader, ["a/i", "b/i"], prefix: "/boot") } != nil)
  }

  @Test func `iPXE gives each file in memory a name of its own that a parameter can hold`() throws {
    let text = try text(.ipxe, ["image.img", "image.img", "initrd2", "a b+ü%$.img"])
    #expect(
      line("kernel ", of: text)
        == "vmlinuz initrd=leaf.img initrd=image.img initrd=initrd2x initrd=initrd2 "
        + "initrd=initrd4 rdinit=/leafroot nonroot_initramfs")
    #expect(text.contains("\ninitrd image.img\ninitrd --name initrd2x image.img\n"), "\(text)")
    #expect(text.contains("\ninitrd --name initrd4 a%20b%2B%C3%BC%25%24.img\n"), "\(text)")
    #expect(try self.text(.ipxe, ["a-._~Z9.img"]).contains("\ninitrd a-._~Z9.img\n"))
  }

  /// RFC 3986, unreserved characters.
  @Test func `in iPXE's URLs letters, digits and four other characters are as they are`() throws {
    for byte in 0x21...0x7E as ClosedRange<UInt8> where byte != UInt8(ascii: "/") {
      let character = Character(UnicodeScalar(byte))
      let isPlain = character.isLetter || character.isNumber || "-._~".contains(character)
      let text = try text(.ipxe, ["a\(character)b"])
      let digits = String(byte, radix: 16, uppercase: true)
      let line = isPlain ? "a\(character)b" : "--name initrd1 a%\(digits)b"
      #expect(text.contains("\ninitrd \(line)\n"), "\(text)")
    }
  }

  @Test func `iPXE's URLs may have settings, but no blanks`() throws {
    let text = try text(.ipxe, kernel: "${base}/vmlinuz", prefix: "${base}")
    #expect(line("kernel ", of: text)?.hasPrefix("${base}/vmlinuz ") == true)
    #expect(text.contains("\ninitrd ${base}/image.img\n"))
    #expect(
      error { try self.text(.ipxe, kernel: "a b") }
        == "iPXE takes no URL with a blank: 'a b'; write %20")
    #expect(
      error { try self.text(.ipxe, prefix: "a b") }
        == "iPXE takes no URL with a blank: 'a b/vmlinuz'; write %20")
    #expect(
      error { try self.text(.ipxe, kernel: "k", prefix: "a b") }
        == "iPXE takes no URL with a blank: 'a b/'; write %20")
  }

  @Test(arguments: ["a && b", "a || b", "a ; b", "#a", "a #", "a  b", "a=${b}", "a\\"])
  func `iPXE's words of control are refused`(append: String) {
    #expect(error { try text(.ipxe, append: append) }?.hasPrefix("iPXE ") == true)
  }

  @Test(arguments: ["a&&b", "a||b", "a;b", "a#b", "a=$b", "a={b}", "a\\b", "a\\ b", "a=\"b c\""])
  func `twin: within words they are passed on`(append: String) throws {
    #expect(line("kernel ", of: try text(.ipxe, append: append))?.hasSuffix(" \(append)") == true)
  }

  @Test(arguments: [
    ("($root)/boot", #""($root)/boot/""#), (#"($root)/a"b"#, #""($root)/a\"b/""#),
    (#"$p\q"#, #""$p\\q/""#), (#"$p\"q"#, #""$p\\\"q/""#), ("$a b/", #""$a b/""#),
  ])
  func `in GRUB a prefix has variables, and nothing else of it is special`(
    prefix: String, quoted: String
  ) throws {
    let text = try text(.grub, ["it's.img"], prefix: prefix)
    #expect(
      line("linux ", of: text)?.hasPrefix("\(quoted.dropLast())vmlinuz\" ") == true, "\(text)")
    #expect(line("initrd ", of: text) == #"\#(quoted)leaf.img \#(quoted)'it'\''s.img'"#)
  }

  @Test(arguments: [("/boot", "/boot/"), (#"/a"b"#, #"/a"b/"#), (#"/a\b"#, #"/a\b/"#), ("", "")])
  func `twin: a prefix without a variable is a word as any other`(prefix: String, path: String)
    throws
  {
    let text = try text(.grub, prefix: prefix)
    let image = shellQuoted("\(path)image.img")
    #expect(line("initrd ", of: text) == "\(shellQuoted("\(path)leaf.img")) \(image)")
    #expect(line("linux ", of: text)?.hasPrefix(shellQuoted("\(path)vmlinuz") + " ") == true)
  }

  @Test(arguments: [
    (#"a="b c""#, "'a=b c'"), (#""a=b c""#, "'a=b c'"), (#"a="""#, "a="), (#""a""#, "a"),
    ("a=b=c", "a=b=c"), ("a=$b", "'a=$b'"), (#"x  y"#, "x y"), (#"a="b  c" d"#, "'a=b  c' d"),
  ])
  func `GRUB's arguments are the kernel's words without the quotes around them`(
    append: String, expected: String
  ) throws {
    #expect(
      line("linux ", of: try text(.grub, append: append))
        == "/vmlinuz rdinit=/leafroot nonroot_initramfs \(expected)")
  }

  @Test(arguments: [#"a="b"c"d""#, "a='b'", #"a=\b"#, #"a"b c"d"#, #"a=b"c d""#])
  func `twin: quotes inside of a word are what GRUB cannot pass on`(append: String) {
    #expect(
      error { try text(.grub, append: append) }?.hasPrefix("GRUB puts a backslash before ") == true)
  }

  @Test func `a line ends at a control character, and each text that has one is refused`() {
    for character in ["\u{1}", "\t", "\n", "\u{1F}", "\u{7F}"] {
      for loader in Loader.allCases {
        let errors = [
          error { try text(loader, append: "a\(character)b") },
          error { try text(loader, prefix: "a\(character)b") },
          error { try text(loader, kernel: "vmlinuz", prefix: "a\(character)b") },
          error { try text(loader, kernel: "a\(character)b") },
          error { try text(loader, ["a\(character)b"]) },
        ]
        for error in errors { #expect(error?.contains("has a control character") == true) }
      }
    }
    for character in ["!", "~"] {
      #expect(error { try text(.qemu, kernel: character, append: character) } == nil)
    }
  }

  @Test(arguments: [Loader.systemdBoot, .extlinux, .pxelinux])
  func `a path ends at a blank where nothing quotes it`(loader: Loader) {
    #expect(
      error { try text(loader, kernel: "a b") }?.contains("takes no path with a blank") == true)
    #expect(error { try text(loader, ["a b"]) }?.contains("takes no path with a blank") == true)
    #expect(
      error { try text(loader, prefix: "a b") }?.contains("takes no path with a blank") == true)
    #expect(error { try text(loader, kernel: "a,b") } == nil)
  }

  @Test(arguments: [Loader.extlinux, .pxelinux])
  func `SYSLINUX takes a comma for the end of an image`(loader: Loader) {
    #expect(
      error { try text(loader, ["a,b"]) }?.hasPrefix("SYSLINUX takes no image with a comma") == true
    )
    #expect(error { try text(loader, prefix: "a,b") } != nil)
  }

  @Test func `one file of several has a name that no image has`() throws {
    let both = try text(.kexec, ["leafroot-initrd.img", "new-leafroot-initrd.img"])
    #expect(both.contains("} >new-new-leafroot-initrd.img &&\n"), "\(both)")
    #expect(both.contains("--initrd=new-new-leafroot-initrd.img "))
    #expect(try text(.kexec).contains(" >leafroot-initrd.img &&\n"))
  }

  @Test(arguments: [Loader.grub, .uki, .qemu, .kexec])
  func `the command line has at most 2047 bytes`(loader: Loader) {
    let count = 2047 - "rdinit=/leafroot nonroot_initramfs ".utf8.count
    #expect(error { try text(loader, append: String(repeating: "x", count: count)) } == nil)
    #expect(
      error { try text(loader, append: String(repeating: "x", count: count + 1)) }
        == "the kernel's command line has 2048 bytes, expected at most 2047")
  }

  @Test(arguments: [
    (Loader.ipxe, "initrd=leaf.img initrd=image.img "),
    (.systemdBoot, "initrd=/leaf.img initrd=/image.img "),
    (.extlinux, " initrd=leaf.img,image.img"),
  ])
  func `what the loader adds to it counts, too`(loader: Loader, added: String) {
    let count = 2047 - added.utf8.count - "rdinit=/leafroot nonroot_initramfs ".utf8.count
    #expect(error { try text(loader, append: String(repeating: "x", count: count)) } == nil)
    #expect(
      error { try text(loader, append: String(repeating: "x", count: count + 1)) }
        == "the kernel's command line has 2048 bytes, expected at most 2047")
  }
}
