// SPDX-License-Identifier: MIT

/// A script for iPXE: https://ipxe.org/scripting.
///
/// Blanks separate words and cannot be quoted; `${NAME}` is a setting (core/exec.c,
/// split_command(); core/settings.c, expand_settings()).
struct IPXEScript {
  let text: String

  init(_ entry: BootEntry) throws(EntryError) {
    try Self.check(entry)
    let names = Self.names(entry.initrds)
    var lines = ["#!ipxe\n" + entry.comments]
    // The kernel's EFI stub asks the firmware for the files that initrd= names; BIOS does not use
    // it. Images with a path in the tree are in initrd.magic only.
    if entry.isNested {
      lines.append(
        "# UEFI: needs an iPXE of May 2021 or later; earlier ones inject files under BIOS only\n")
      lines.append("kernel \(entry.kernel) initrd=initrd.magic \(entry.parameters)\n")
    } else {
      lines.append("# UEFI: each initrd= names a file, in their order; BIOS does not need them\n")
      let files = names.map { "initrd=\($0) " }.joined()
      try BootEntry.check(length: files + entry.parameters)
      lines.append("kernel \(entry.kernel) \(files)\(entry.parameters)\n")
    }
    for (initrd, name) in zip(entry.initrds, names) {
      let option = name == initrd.name ? "" : "--name \(name) "
      let file = initrd.injectedAs.map { " \($0) mode=600" } ?? ""
      lines.append("initrd \(option)\(initrd.prefix)\(Self.encoded(initrd.name))\(file)\n")
    }
    text = lines.joined() + "boot\n"
  }

  private static func check(_ entry: BootEntry) throws(EntryError) {
    for path in [entry.kernel] + entry.initrds.map(\.prefix) {
      if path.contains(" ") {
        throw EntryError("iPXE takes no URL with a blank: '\(path)'; write %20")
      }
    }
    let parameters = entry.parameters
    if parameters.contains("  ") {
      throw EntryError("iPXE makes one blank of several: '\(parameters)'")
    }
    if parameters.contains("${") {
      throw EntryError("iPXE takes '${' for the beginning of a setting: '\(parameters)'")
    }
    // image/script.c: the next line continues it.
    if parameters.hasSuffix("\\") {
      throw EntryError("iPXE takes a backslash at the end for a continued line: '\(parameters)'")
    }
    for word in parameters.split(separator: " ") {
      // core/exec.c, command_terminator().
      if ["&&", "||", ";"].contains(word) || word.hasPrefix("#") {
        throw EntryError("iPXE ends a command at the word '\(word)'")
      }
    }
  }

  /// The files' names in memory: distinct, and valid in kernel parameters.
  private static func names(_ initrds: [BootEntry.Initrd]) -> [String] {
    let known = Set(initrds.map(\.name))
    return initrds.enumerated().map { number, initrd in
      let isFirst = initrds.firstIndex { $0.name == initrd.name } == number
      if isFirst, initrd.name.utf8.allSatisfy(isPlain) { return initrd.name }
      var name = "initrd\(number)"
      while known.contains(name) { name += "x" }
      return name
    }
  }

  /// RFC 3986, percent-encoded.
  private static func encoded(_ name: String) -> String {
    name.utf8.map { byte in
      if isPlain(byte) { return String(UnicodeScalar(byte)) }
      let digits = String(byte, radix: 16, uppercase: true)
      return "%" + (digits.count == 1 ? "0" : "") + digits
    }.joined()
  }

  /// Unreserved characters of a URL.
  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "-._~".utf8.contains(byte)
    }
  }
}
