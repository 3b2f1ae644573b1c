// SPDX-License-Identifier: MIT

import Files

/// A menu entry for GRUB 2: its manual, "Writing full configuration files directly".
///
/// GRUB quotes an argument with a blank again for the kernel, and puts a backslash, which the
/// kernel does not remove, before each quote and backslash (grub-core/lib/cmdline.c,
/// grub_create_loader_cmdline()).
struct GRUBEntry {
  let text: String

  init(_ entry: BootEntry) throws(EntryError) {
    var words: [String] = []
    for word in entry.words { words.append(shellQuoted(try Self.argument(word))) }
    let kernel = Self.quoted(prefix: entry.kernel, "")
    let images = entry.initrds.map { initrd in
      // The path in the tree ends at the colon.
      let file = initrd.injectedAs.map { "newc:\($0):" } ?? ""
      return file + Self.quoted(prefix: initrd.prefix, initrd.name)
    }
    let note =
      entry.isNested
      ? "# newc: needs GRUB 2.14, or Debian's 2.12; names from earlier ones have no NUL, and kernels\n"
        + "# refuse them\n" : ""
    text = """
      \(entry.comments)\(note)\
      menuentry \(shellQuoted(entry.title)) {
        linux \(kernel) \(words.joined(separator: " "))
        initrd \(images.joined(separator: " "))
      }

      """
  }

  /// One word of the kernel's command line, quoted for GRUB.
  private static func argument(_ word: String) throws(EntryError) -> String {
    var text = word
    if let value = text.firstIndex(of: "=").map({ text.index(after: $0) }),
      text[value...].count > 1, text[value...].hasPrefix("\""), text.hasSuffix("\"")
    {
      text = String(text[..<value] + text[value...].dropFirst().dropLast())
    } else if text.count > 1, text.hasPrefix("\""), text.hasSuffix("\"") {
      text = String(text.dropFirst().dropLast())
    }
    if text.contains(where: { "\"'\\".contains($0) }) {
      throw EntryError("GRUB puts a backslash before a quote or a backslash: '\(word)'")
    }
    return text
  }

  /// A quoted path; `$` in the prefix begins a GRUB variable.
  private static func quoted(prefix: String, _ name: String) -> String {
    guard prefix.contains("$") else { return shellQuoted(prefix + name) }
    let escaped = prefix.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    return "\"\(escaped)\"" + (name.isEmpty ? "" : shellQuoted(name))
  }
}
