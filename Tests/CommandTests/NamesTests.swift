// SPDX-License-Identifier: MIT

import CLinux
import Glibc
import Samples
import SystemPackage
import TestSupport
import Testing

/// Names of files and of extended attributes with any byte that a file system takes: from `pack` to
/// `unpack`, whatever lies between.
@Suite struct NamesTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try directory.file("leafroot-init.x86_64", elf(count: 64))
    try directory.shell("mkdir tree")
    for byte in Self.bytes {
      for name in Self.names(byte) { try make(name) }
    }
  }

  /// All but NUL, and `/`, which ends a component.
  private static let bytes = (1...255).map { UInt8($0) }.filter { $0 != UInt8(ascii: "/") }

  /// The byte alone, and in the middle of a name; `.` alone is no name.
  private static func names(_ byte: UInt8) -> [[UInt8]] {
    [byte == UInt8(ascii: ".") ? [byte, 0x62, byte] : [byte], [0x61, byte, 0x62]]
  }

  private func path(_ tree: String, _ name: [UInt8]) -> [CChar] {
    (Array("\(directory.path)/\(tree)/".utf8) + name + [0]).map { CChar(bitPattern: $0) }
  }

  private func make(_ name: [UInt8]) throws {
    let descriptor = open(path("tree", name), O_WRONLY | O_CREAT | O_EXCL, 0o644)
    try #require(descriptor >= 0, "\(name): \(errno)")
    defer { close(descriptor) }
    for xattr in xattrs(of: name) {
      let result = fsetxattr(descriptor, xattr.name, xattr.value, xattr.value.count, 0)
      try #require(result == 0, "\(xattr.name): \(errno); TMPDIR must have user xattrs")
    }
  }

  /// Names with that byte; in one of them a `/`. The value has both names, and bytes that end lines
  /// and strings.
  private func xattrs(of file: [UInt8]) -> [(name: [CChar], value: [UInt8])] {
    let byte = file.count == 3 ? file[1] : file[0]
    var names = [Array("user.".utf8) + [byte], Array("user.a".utf8) + [byte, 0x62]]
    if byte == 1 { names.append(Array("user./".utf8)) }
    return names.map { name in
      ((name + [0]).map { CChar(bitPattern: $0) }, name + [0, 10, 255] + file)
    }
  }

  private func leafroot(_ arguments: String...) throws {
    let result = try Tool(in: directory)(arguments)
    try #require(result.status == 0, "\(result.errors)")
    #expect(!result.errors.contains("extended attribute"), "\(result.errors)")
  }

  @Test(arguments: [
    "cp -a tree source", "tar --format=pax --xattrs --xattrs-include='*' -C tree -cf source .",
  ])
  func `any byte in the names of files and xattrs comes from a source to the tree`(script: String)
    throws
  {
    try directory.shell(script)
    try leafroot("pack", "source", "-o", "image", "--arch", "x86_64")
    try leafroot("unpack", "image", "unpacked")
    try expectSame("unpacked")
  }

  @Test func `any byte comes through a squashfs`() throws {
    try directory.shell(
      """
      mkdir -p source/lib/modules/6.12.1 && cp -a tree source/names
      for part in loop squashfs overlay; do : >source/lib/modules/6.12.1/$part.ko; done
      """)
    try leafroot(
      "pack", "source", "-o", "image", "--arch", "x86_64", "--squash", "names", "--level", "1")
    try leafroot("unpack", "image", "unpacked")
    try expectSame("unpacked/names")
  }

  @Test func `twin: an attribute that is not there is missed`() throws {
    try directory.shell("cp -a tree other && setfattr -x user.= other/= && rm other/+")
    #expect(differences(from: "other").count == 2)
  }

  private func expectSame(_ tree: String) throws {
    let differences = differences(from: tree)
    #expect(differences.isEmpty, "\(differences)")
    #expect(try count(of: "tree") == 2 * Self.bytes.count)
    #expect(try count(of: tree) == 2 * Self.bytes.count)
  }

  private func count(of tree: String) throws -> Int {
    guard let stream = opendir("\(directory.path)/\(tree)") else { return 0 }
    defer { closedir(stream) }
    var count = 0
    while readdir(stream) != nil { count += 1 }
    return count - 2
  }

  /// The names of files that are missing, or have other attributes.
  private func differences(from tree: String) -> [[UInt8]] {
    Self.bytes.flatMap(Self.names).filter { name in
      let path = path(tree, name)
      guard access(path, F_OK) == 0 else { return true }
      let expected = xattrs(of: name)
      var list = [CChar](repeating: 0, count: 4096)
      let size = llistxattr(path, &list, list.count)
      let found = list.prefix(max(0, size)).split(separator: 0).filter {
        $0.starts(with: "user.".utf8.map { CChar(bitPattern: $0) })
      }
      if found.count != expected.count { return true }
      return expected.contains { xattr in
        var value = [UInt8](repeating: 0, count: 600)
        let count = lgetxattr(path, xattr.name, &value, value.count)
        return count != xattr.value.count || !value.starts(with: xattr.value)
      }
    }
  }
}
