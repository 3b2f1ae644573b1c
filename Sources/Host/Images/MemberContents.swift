// SPDX-License-Identifier: MIT

/// The contents of a member, judged by the names in it.
public struct MemberContents: Equatable, Sendable {
  /// The file names of x86 microcode that the kernel loads early; they name the vendor.
  public private(set) var microcode: [String] = []
  /// Whether there are ACPI tables that replace the firmware's.
  public private(set) var hasTables = false
  /// The kernel versions that there are modules for.
  public private(set) var modules: [String] = []
  /// Whether there are files below /lib/firmware.
  public private(set) var hasFirmware = false
  /// Whether there is LeafRoot's PID 1.
  public private(set) var hasLeaf = false
  /// Whether there are members of a payload.
  public private(set) var hasPayload = false
  /// Whether there is an `/init`.
  public private(set) var hasInit = false
  /// Whether there is anything else, as part of the root tree.
  public private(set) var hasTree = false

  /// The number of names to keep: a hostile image may have any number.
  private static let limit = 8

  mutating func add(_ name: [UInt8], isDirectory: Bool) {
    var name = name[...]
    while true {
      if name.first == UInt8(ascii: "/") {
        name = name.dropFirst()
      } else if name.starts(with: "./".utf8) {
        name = name.dropFirst(2)
      } else {
        break
      }
    }
    switch name.first {
    case UInt8(ascii: "k") where name.starts(with: "kernel".utf8): addEarly(name, isDirectory)
    case UInt8(ascii: "u") where name.starts(with: "usr/lib/".utf8): addLibrary(name.dropFirst(4))
    case UInt8(ascii: "l") where name.starts(with: "lib/".utf8): addLibrary(name)
    case UInt8(ascii: "l") where name.elementsEqual("leafroot".utf8): hasLeaf = true
    case UInt8(ascii: ".") where name.starts(with: ".leafroot/".utf8): hasPayload = true
    case UInt8(ascii: "i") where name.elementsEqual("init".utf8): hasInit = true
    default: hasTree = hasTree || !isDirectory
    }
  }

  /// arch/x86/kernel/cpu/microcode/core.c; drivers/acpi/tables.c.
  private mutating func addEarly(_ name: ArraySlice<UInt8>, _ isDirectory: Bool) {
    if name.starts(with: "kernel/x86/microcode/".utf8) {
      keep(name.dropFirst(21), in: \.microcode)
    } else if name.starts(with: "kernel/firmware/acpi/".utf8) {
      hasTables = true
    } else {
      hasTree = hasTree || !isDirectory
    }
  }

  private mutating func addLibrary(_ name: ArraySlice<UInt8>) {
    if name.starts(with: "lib/modules/".utf8) {
      keep(name.dropFirst(12).prefix { $0 != UInt8(ascii: "/") }, in: \.modules)
    } else if name.starts(with: "lib/firmware/".utf8) {
      hasFirmware = true
    } else {
      hasTree = true
    }
  }

  private mutating func keep(
    _ name: ArraySlice<UInt8>, in list: WritableKeyPath<MemberContents, [String]>
  ) {
    // A hidden file is padding that aligns the next file (iucode_tool).
    guard let first = name.first, first != UInt8(ascii: ".") else { return }
    let last = self[keyPath: list].last
    if let last, last.utf8.elementsEqual(name) { return }
    let text = String(decoding: name, as: UTF8.self)
    guard self[keyPath: list].count < MemberContents.limit, !self[keyPath: list].contains(text)
    else {
      return
    }
    self[keyPath: list].append(text)
  }

  /// Short descriptions, the most telling first.
  public var words: [String] {
    var words: [String] = []
    if hasLeaf { words.append("LeafRoot's PID 1") }
    if hasPayload { words.append("a payload") }
    if !microcode.isEmpty { words.append("microcode (\(microcode.joined(separator: ", ")))") }
    if hasTables { words.append("ACPI tables") }
    if hasInit { words.append("/init") }
    if hasTree { words.append("root tree") }
    if !modules.isEmpty { words.append("modules (\(modules.joined(separator: ", ")))") }
    if hasFirmware { words.append("firmware") }
    return words
  }
}
