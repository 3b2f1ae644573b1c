// SPDX-License-Identifier: MIT

import CLinux
import Testing
import Tree

/// Whether a tmpfs has user xattrs. Where all tests must run, it is taken to have them.
private let hasUserXattrs: Bool = {
  if getenv("LEAFROOT_MUST_RUN") != nil { return true }
  let path = "/dev/shm/leafroot-test.\(getpid())"
  let descriptor = linux_openat(AT_FDCWD, path, O_WRONLY | O_CREAT, 0o600)
  defer {
    close(descriptor)
    unlink(path)
  }
  return lsetxattr(path, "user.x", "1", 1, 0) == 0
}()

extension TreeTests {
  @Suite struct `Metadata arrive as they were` {
    @Test func `setuid, setgid and sticky, on files and directories of any owner`() throws {
      try expectSameAfterMove {
        for mode in [0o4755, 0o2755, 0o1755, 0o6711, 0o7777, 0o2644, 0] {
          let name = String(mode, radix: 8)
          try $0.file("file-\(name)", size: 100, mode_t(mode), user: 1000, group: 100)
          try $0.directory("directory-\(name)", mode_t(mode), user: 1000, group: 100)
        }
        try $0.file("large", size: (2 << 20) + 1, 0o6755, user: 1000, group: 100)
      }
    }

    @Test func `a setgid directory gives its group to no entry of it`() throws {
      try expectSameAfterMove {
        try $0.directory("setgid", 0o2775, user: 7, group: 70)
        try $0.file("setgid/file", size: 1, 0o644, group: 0)
        try $0.directory("setgid/below", 0o755, group: 1)
        try $0.node("setgid/fifo", S_IFIFO, 0, 0, 0o600, group: 2)
        try $0.symbolicLink("setgid/link", to: "x")
        try check("chown", fchownat($0.directory, "setgid/link", 0, 3, AT_SYMLINK_NOFOLLOW))
      }
    }

    @Test func `owners of 32 bits`() throws {
      try expectSameAfterMove {
        try $0.file("file", size: 1, 0o600, user: .max - 1, group: 100_000)
        try $0.directory("directory", 0o700, user: 65534, group: .max - 1)
      }
    }

    @Test func `times before 1970 and after 2038`() throws {
      try Arena.with { arena in
        try Planting(directory: arena.source).file("file")
        try Planting(directory: arena.source).directory("directory")
        for name in ["file", "directory"] {
          let times = [
            timespec(tv_sec: -5, tv_nsec: 999_999_999), timespec(tv_sec: 5_000_000_000, tv_nsec: 1),
          ]
          try check("utimensat", utimensat(arena.source, name, times, AT_SYMLINK_NOFOLLOW))
        }
        let before = try Snapshot(of: arena.source)

        try arena.mover().move()

        #expect(try Snapshot(of: arena.target).differences(from: before) == [])
        #expect(before["file"]?.fields["accessed"] == "-5 s 999999999 ns")
        #expect(before["file"]?.fields["modified"] == "5000000000 s 1 ns")
      }
    }

    @Test func `xattrs of the kinds trusted and security`() throws {
      try expectSameAfterMove {
        try $0.file("file", size: 10)
        try $0.file("large", size: (3 << 20) + 1)
        try $0.directory("directory")
        try $0.node("fifo", S_IFIFO)
        try $0.symbolicLink("link", to: "file")
        for name in ["file", "large", "directory", "fifo", "link"] {
          try $0.attribute("trusted.empty", [], on: name)
          try $0.attribute("trusted.bytes", Array(0...255), on: name)
          try $0.attribute("trusted.long", content(30_000), on: name)
          try $0.attribute("security.note", Array(name.utf8), on: name)
        }
      }
    }

    @Test func `many xattrs of one file`() throws {
      try expectSameAfterMove {
        try $0.file("file")
        for number in 0..<200 { try $0.attribute("trusted.\(number)", [UInt8(number)], on: "file") }
      }
    }

    @Test(.enabled(if: hasUserXattrs, "a tmpfs has user xattrs since Linux 6.6"))
    func `user xattrs, where the file system has them`() throws {
      try expectSameAfterMove {
        try $0.file("file", size: 1)
        try $0.directory("directory")
        try $0.attribute("user.note", content(100), on: "file")
        try $0.attribute("user.note", content(100), on: "directory")
      }
    }

    @Test(arguments: [1, 1 << 20, (1 << 20) + 1, 3 << 20])
    func `a file's capability, which writing and cutting remove`(size: Int) throws {
      try expectSameAfterMove {
        try $0.file("single", size: size, 0o755)
        try $0.file("linked", size: size, 0o755)
        try $0.hardLink("again", to: "linked")
        for name in ["single", "linked"] {
          try $0.attribute("security.capability", KernelAttribute.capability, on: name)
        }
      }
    }

    @Test func `access lists, on all that can have one`() throws {
      try expectSameAfterMove {
        try $0.file("file", size: 1)
        try $0.directory("directory")
        try $0.node("fifo", S_IFIFO)
        try $0.node("device", S_IFCHR, 1, 3)
        for name in ["file", "directory", "fifo", "device"] {
          try $0.attribute("system.posix_acl_access", KernelAttribute.accessList, on: name)
        }
      }
    }

    @Test func `a directory's default access list, which no entry of it inherits`() throws {
      try expectSameAfterMove {
        try $0.directory("directory")
        try $0.file("directory/file", size: 1, 0o600)
        try $0.directory("directory/below", 0o711)
        try $0.file("directory/below/file", size: 1)
        try $0.node("directory/fifo", S_IFIFO)
        try $0.node("directory/device", S_IFCHR, 1, 3)
        let list = "system.posix_acl_default"
        try $0.attribute(list, KernelAttribute.accessList, on: "directory")
        try $0.attribute(list, KernelAttribute.accessList, on: ".")
      }
    }

    @Test func `a default access list is inherited where nobody takes care`() throws {
      try Arena.with { arena in
        let planting = Planting(directory: arena.source)
        try planting.attribute("system.posix_acl_default", KernelAttribute.accessList, on: ".")
        try planting.file("file")
        let file = try Snapshot(of: arena.source)["file"]
        #expect(file?.fields["system.posix_acl_access"] != nil)
      }
    }
  }
}
