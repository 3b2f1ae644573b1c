// SPDX-License-Identifier: MIT

import Files
import SystemPackage
import TestSupport
import Testing

@testable import Importing

/// The modules that mount a squashed directory, in trees with fake ones.
@Suite struct KernelModulesTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Makes a module in `tree`, with a signature at its end.
  private func module(_ path: String, depends: String = "", release: String = "6.12.1") throws {
    let parent = FilePath(path).removingLastComponent()
    try directory.shell("mkdir -p tree/\(parent)")
    try directory.file("tree/\(path)", bytes(path, depends, release))
  }

  private func bytes(_ path: String, _ depends: String, _ release: String) -> [UInt8] {
    Array("\u{7F}ELF \(path)\0license=GPL\0depends=\(depends)\0vermagic=\(release) SMP\0".utf8)
      + Array("~Module signature appended~\n".utf8)
  }

  private func find() throws -> KernelModules.Found {
    try KernelModules.find(in: HostTree(directory.path.appending("tree")), from: "tree")
  }

  private func names(_ kernel: KernelModules?) -> [String] { kernel?.modules.map(\.name) ?? [] }

  @Test func `those of each kernel are found, in the order in which they are loaded`() throws {
    for release in ["6.12.1", "6.1.9"] {
      for part in KernelModules.parts { try module("lib/modules/\(release)/kernel/\(part).ko") }
    }
    let found = try find()
    #expect(found.kernels.map(\.release) == ["6.1.9", "6.12.1"])
    #expect(found.incomplete.isEmpty)
    for kernel in found.kernels { #expect(names(kernel) == ["loop", "squashfs", "overlay"]) }
  }

  @Test(arguments: [("xz", "xz --check=crc32"), ("zst", "zstd -q --rm"), ("gz", "gzip")])
  func `a compressed one is decompressed, with its signature`(
    suffix: String, command: String
  ) throws {
    for part in KernelModules.parts { try module("usr/lib/modules/6.12.1/kernel/\(part).ko") }
    let expected = try find().kernels
    try directory.shell("\(command) tree/usr/lib/modules/6.12.1/kernel/*.ko")
    #expect(try directory.names(in: "tree/usr/lib/modules/6.12.1/kernel")[0] == "loop.ko.\(suffix)")
    let found = try find()
    #expect(found.kernels == expected)
    let loop = try #require(found.kernels.first?.modules.first)
    #expect(loop.bytes.starts(with: Array("\u{7F}ELF".utf8)))
    #expect(loop.bytes.ends(with: "~Module signature appended~\n"))
  }

  @Test func `one with a hole keeps it, as zeros`() throws {
    for part in KernelModules.parts { try module("lib/modules/6.12.1/\(part).ko") }
    try directory.shell(
      "cd tree/lib/modules/6.12.1 && truncate -s 64K overlay.ko && echo signed >>overlay.ko")
    let file = try directory.bytes("tree/lib/modules/6.12.1/overlay.ko")
    #expect(file.count == 65543)
    #expect(try find().kernels.first?.modules.last?.bytes == file)
  }

  @Test func `what they depend on is loaded before`() throws {
    try module("lib/modules/6.12.1/loop.ko")
    try module("lib/modules/6.12.1/a/squashfs.ko", depends: "zstd-decompress,lz4_decompress")
    try module("lib/modules/6.12.1/zstd_decompress.ko", depends: "xxhash")
    try module("lib/modules/6.12.1/xxhash.ko")
    try module("lib/modules/6.12.1/overlay.ko", depends: "xxhash")
    #expect(
      try names(find().kernels.first)
        == ["loop", "xxhash", "zstd_decompress", "squashfs", "overlay"])
  }

  @Test func `a part may be built in`() throws {
    try module("lib/modules/6.12.1/kernel/overlay.ko")
    try directory.file(
      "tree/lib/modules/6.12.1/modules.builtin",
      Array("kernel/fs/squashfs/squashfs.ko\nkernel/drivers/block/loop.ko\n".utf8))
    #expect(try names(find().kernels.first) == ["overlay"])
    try directory.shell("rm tree/lib/modules/6.12.1/kernel/overlay.ko")
    #expect(try find().kernels.isEmpty)
    let incomplete = try find().incomplete
    #expect(incomplete.map(\.release) == ["6.12.1"])
    #expect(incomplete.map(\.missing) == [["overlay"]])
  }

  @Test func `an empty one is no trap`() throws {
    try directory.shell("mkdir -p tree/lib/modules/6.12.1")
    for part in KernelModules.parts {
      try directory.file("tree/lib/modules/6.12.1/\(part).ko", [])
    }
    #expect(try find().kernels.first?.modules.map(\.bytes) == [[], [], []])
  }

  @Test func `an update replaces the kernel's own module`() throws {
    for part in KernelModules.parts { try module("lib/modules/6.12.1/kernel/\(part).ko") }
    try module("lib/modules/6.12.1/updates/overlay.ko", depends: "new")
    try module("lib/modules/6.12.1/extra/new.ko")
    #expect(try names(find().kernels.first) == ["loop", "squashfs", "new", "overlay"])
  }

  @Test func `a directory may be of all kernels, or of one, which its modules name`() throws {
    for part in KernelModules.parts { try module("all/6.12.1/kernel/\(part).ko") }
    for part in KernelModules.parts { try module("flat/\(part).ko", release: "6.18.2-cloud") }
    for (name, release) in [
      ("all", "6.12.1"), ("all/6.12.1", "6.12.1"), ("all/6.12.1/", "6.12.1"),
      ("flat", "6.18.2-cloud"),
    ] {
      let found = try KernelModules.find(
        inDirectory: directory.path.appending("tree").appending(FilePath(name).components))
      #expect(found.kernels.map(\.release) == [release], "\(name)")
    }
  }

  @Test func `other modules of the same release go first`() throws {
    for part in KernelModules.parts { try module("lib/modules/6.12.1/\(part).ko") }
    try module("other/6.12.1/loop.ko")
    try module("other/6.1.1/loop.ko")
    var found = try find()
    found.add(
      try KernelModules.find(inDirectory: directory.path.appending("tree").appending("other")))
    #expect(found.kernels.isEmpty)
    #expect(found.incomplete.map(\.release) == ["6.1.1", "6.12.1"])
  }
}

extension [UInt8] {
  fileprivate func ends(with text: String) -> Bool {
    suffix(text.utf8.count).elementsEqual(text.utf8)
  }
}
