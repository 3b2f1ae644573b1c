// SPDX-License-Identifier: MIT

import BootFacts
import Packing

extension BootEntry {
  /// - Throws: ``EntryError`` if PID 1 would not start with `append` on the command line.
  static func check(_ append: String) throws(EntryError) {
    try check(line: append, "a kernel parameter")
    if append.utf8.count(where: { $0 == UInt8(ascii: "\"") }) % 2 != 0 {
      throw EntryError("the kernel parameters '\(append)' have a quote that is not closed")
    }
    let given = KernelCommandLine(Array(append.utf8))
    if given.value(of: "initrd") != nil {
      throw EntryError("initrd= in '\(append)' names other images than those given")
    }
    // The last one counts: init/main.c, rdinit_setup().
    if given.value(of: "rdinit") != nil {
      throw EntryError(
        "rdinit= in '\(append)' starts another program than LeafRoot's PID 1; for another real "
          + "init, use \(KernelParameters.realInit("PATH"))")
    }
  }

  /// The longest command line that an x86 or arm64 kernel takes: COMMAND_LINE_SIZE, without its
  /// NUL.
  private static let limit = 2047

  /// - Throws: ``EntryError`` if the kernel, or the boot loader before it, would truncate `line`.
  static func check(length line: String) throws(EntryError) {
    if line.utf8.count > limit {
      throw EntryError(
        "the kernel's command line has \(line.utf8.count) bytes, expected at most \(limit)")
    }
  }

  /// - Throws: ``EntryError`` if `text` does not fit on one line.
  static func check(line text: String, _ what: String) throws(EntryError) {
    if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
      throw EntryError("\(what) has a control character: \(text.debugDescription)")
    }
  }

  /// The parameters of the command line as the kernel splits it: blanks in quotes do not end one.
  /// lib/cmdline.c, next_arg().
  var words: [String] {
    var words: [String] = []
    var word = ""
    var isInQuote = false
    for character in parameters {
      if character == "\"" { isInQuote.toggle() }
      if character == " ", !isInQuote {
        if !word.isEmpty { words.append(word) }
        word = ""
      } else {
        word.append(character)
      }
    }
    return word.isEmpty ? words : words + [word]
  }

  /// The remarks as comments, which begin with `#` in all loaders' languages.
  var comments: String { ([title] + remarks).map { "# \($0)\n" }.joined() }

  /// - Throws: ``EntryError`` if a path has a blank, which `loader` takes for the end of the path.
  func refuseBlanks(_ loader: String) throws(EntryError) {
    for path in [kernel] + initrds.map(\.path) where path.contains(" ") {
      throw EntryError("\(loader) takes no path with a blank: '\(path)'")
    }
  }
}
