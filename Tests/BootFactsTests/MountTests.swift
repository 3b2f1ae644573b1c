// SPDX-License-Identifier: MIT

import BootFacts
import Testing

/// read(2) of a file of /proc: pieces of `text`, then its end.
private func reading(_ text: String, by count: Int = 4096) -> Lines.Read {
  var rest = Array(text.utf8)[...]
  return { _ in
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }
}

private func string(_ bytes: some Sequence<UInt8>) -> String {
  String(decoding: Array(bytes), as: UTF8.self)
}

private let rootfs = "1 1 0:2 / / rw - rootfs rootfs rw,size=114444k,nr_inodes=28611\n"

@Suite struct `Reading the mounts` {
  @Test func `takes each line apart`() throws {
    let line = "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime shared:1 master:2 - ext3 /dev/root rw\n"
    let all = try mounts(reading(rootfs + line, by: 7))
    let mount = try #require(all.last)

    #expect(all.count == 2)
    #expect((mount.id, mount.parent) == (36, 35))
    #expect(string(mount.device) == "98:0")
    #expect(string(mount.point) == "/mnt\\0402")
    #expect(string(mount.options) == "rw,noatime")
    #expect(mount.isShared && !all[0].isShared)
    #expect(string(mount.type) == "ext3")
    #expect(string(mount.source) == "/dev/root")
  }

  @Test func `of a file that never ends, ends where it begins anew`() throws {
    // Linux 6.16 to 6.18: each read(2) gives the one line again.
    var reads = 0
    let all = try mounts { _ in
      reads += 1
      return Array(rootfs.utf8)
    }
    #expect(all.count == 1)
    #expect(reads == 2)
  }

  @Test func `of a file that grows for ever, gives up`() {
    var next = 0
    #expect(throws: Unreadable.self) {
      _ = try mounts { _ in
        next += 1
        return Array("\(next) 1 0:9 / /\(next) rw - tmpfs tmpfs rw\n".utf8)
      }
    }
  }

  @Test func `of a line without an end, gives up`() {
    #expect(throws: Unreadable.self) {
      _ = try mounts { [UInt8](repeating: 0x61, count: $0) }
    }
  }

  @Test(arguments: ["nothing\n", "1 1 0:2 / / rw\n", "x 1 0:2 / / rw - rootfs rootfs rw\n"])
  func `of a line that is none, gives up`(line: String) {
    #expect(throws: Unreadable.self) { _ = try mounts(reading(rootfs + line)) }
  }

  @Test func `gives up when read(2) fails`() {
    #expect(throws: Unreadable.self) { _ = try mounts { _ in nil } }
  }

  @Test func `takes a last line without its end`() throws {
    #expect(try mounts(reading(String(rootfs.dropLast()))).count == 1)
  }
}

@Suite struct `Mounts that rest on the tree` {
  private func obstacle(_ lines: String...) throws -> String? {
    let all = try mounts(reading(lines.joined()))
    return BootFacts.obstacle(to: all[0], in: all).map { string($0.bytes) }
  }

  @Test func `are none of those that an init usually has`() throws {
    let found = try obstacle(
      rootfs, "22 1 0:21 / /proc rw shared:3 - proc proc rw\n",
      "23 1 0:22 / /run rw - tmpfs run rw,mode=750\n", "24 1 8:1 / /mnt ro - ext4 /dev/sda1 ro\n",
      "25 23 0:23 / /run/x rw - tmpfs looper rw\n", "26 1 0:25 / /l rw - tmpfs overlay rw\n")
    #expect(found == nil)
  }

  @Test(arguments: [
    ("22 1 0:2 / /mnt/r rw - rootfs rootfs rw\n", "/mnt/r is a mount of rootfs"),
    ("22 9 0:2 /usr /run/usr rw - rootfs rootfs rw\n", "/run/usr is a mount of rootfs"),
    (
      "22 1 0:30 / /merged rw - overlay overlay rw,lowerdir=/lower\n",
      "/merged is an overlay, and may rest on the tree"
    ),
    (
      "22 1 7:0 / /squash ro - squashfs squash ro\n",
      "/squash is mounted from a loop device, whose file may be a part of the tree"
    ),
    (
      "22 1 259:3 / /part ro - ext4 /dev/loop0p1 ro\n",
      "/part is mounted from a loop device, whose file may be a part of the tree"
    ),
  ])
  func `are named`(line: String, reason: String) throws {
    #expect(try obstacle(rootfs, line) == reason)
  }

  @Test func `a shared / cannot be left`() throws {
    let shared = "1 1 0:2 / / rw shared:1 - rootfs rootfs rw\n"
    #expect(try obstacle(shared) == "the mount of / is shared")
  }
}
