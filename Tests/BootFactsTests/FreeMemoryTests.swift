// SPDX-License-Identifier: MIT

import CLinux
import FoundationEssentials
import SystemPackage
import TestSupport
import Testing

@testable import BootFacts

private let mebibyte = 1 << 20

@Suite struct `Free memory` {
  @Test func `is asked for again and again`() throws {
    let settings = try Settings(["stat_refresh": "", "min_free_kbytes": "1024\n"])
    for memory in [FreeMemory(in: settings.directory), FreeMemory(in: -1)] {
      for _ in 0..<2 {
        #expect(memory.usable(wanting: 0) > mebibyte)
        #expect((mebibyte..<1 << 50).contains(memory.usable(wanting: 1 << 60)))
      }
      memory.close()
    }
  }

  @Test func `is without what the kernel keeps`() throws {
    // As long as nothing is known of it, 2 MiB of 256 MiB, and 8 of 4 GiB.
    #expect(FreeMemory.kept(of: 256 * mebibyte, watermark: nil) == 3 * mebibyte)
    #expect(FreeMemory.kept(of: 4096 * mebibyte, watermark: nil) == 24 * mebibyte)
    #expect(FreeMemory.kept(of: 1024 * mebibyte, watermark: 45056) == 48 * mebibyte)
    #expect(FreeMemory.kept(of: 0, watermark: nil) == 0)
    #expect(FreeMemory.kept(of: 4 << 40, watermark: nil) < 20 << 30)
    // More than there is.
    let settings = try Settings(["min_free_kbytes": "1099511627776\n"])
    #expect(FreeMemory(in: settings.directory).usable(wanting: 1) == 0)
  }

  @Test func `is not less for free memory in small pieces, until it is closed`() throws {
    let settings = try Settings([
      "watermark_boost_factor": "15000\n", "watermark_scale_factor": "10\n",
    ])
    let memory = FreeMemory(in: settings.directory)
    // The rest of the line is the file's: the kernel ends the number at its first line.
    #expect(try settings.text("watermark_boost_factor").first == "0")
    #expect(try settings.wasWritten("watermark_scale_factor", "10\n"))
    memory.close()
    #expect(try settings.text("watermark_boost_factor") == "15000\n")
  }
}

/// A directory in the place of /proc/sys/vm.
private final class Settings {
  let directory: Int32
  private let files: TemporaryDirectory

  init(_ texts: [String: String]) throws {
    files = try TemporaryDirectory()
    for (name, text) in texts { _ = try files.file(name, Array(text.utf8)) }
    directory = linux_openat(AT_FDCWD, files.path.string, O_RDONLY | O_DIRECTORY, 0)
    for name in texts.keys {
      _ = utimensat(
        directory, name, [timespec(tv_sec: 0, tv_nsec: 0), timespec(tv_sec: 0, tv_nsec: 0)], 0)
    }
  }

  deinit { close(directory) }

  func text(_ name: String) throws -> String {
    try String(contentsOfFile: files.path.appending(name).string, encoding: .utf8)
  }

  /// Whether it was written, and has this text.
  func wasWritten(_ name: String, _ text: String) throws -> Bool {
    var status = stat()
    fstatat(directory, name, &status, 0)
    return try status.st_mtim.tv_sec != 0 && self.text(name) == text
  }
}
