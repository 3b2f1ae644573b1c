// SPDX-License-Identifier: MIT

import Testing

@testable import BootFacts

private let mebibyte = 1 << 20

private func string(_ text: Text) -> String { String(decoding: text.bytes, as: UTF8.self) }

@Suite struct `What is said about a payload` {
  @Test func `is read as it is written`() {
    var about = PayloadManifest()
    about.members = 14
    about.tree = PayloadManifest.Tree(
      entries: 6478, bytes: 213_123_123, pages: [52_345, 13_400, 4001])
    about.decoder = 9_105_408
    about.realInit = Array("/usr/lib/systemd/systemd".utf8)
    about.squash = ["usr", "opt/a vendor"].map { Array($0.utf8) }
    about.squashed = PayloadManifest.Squashed(entries: 5128, bytes: 204_123_456)
    about.over = 1
    #expect(PayloadManifest(about.text.bytes) == about)
    #expect(
      string(about.text) == """
        members 14
        entries 6478
        bytes 213123123
        pages 52345 13400 4001
        decoder 9105408
        init /usr/lib/systemd/systemd
        squash usr
        squash opt/a vendor
        squashed 5128 204123456
        over 1

        """)
    #expect(PayloadManifest(PayloadManifest().text.bytes) == PayloadManifest())
  }

  @Test(arguments: [
    "", "\n\n", "members", "members x\n", "members -1\n", "entries 1\nbytes 2\n",
    "entries 1\nbytes 2\npages 99999999999999999999 1 1\n", "color blue\n",
    "entries 1\nbytes 2\npages 3\n", "entries 1\nbytes 2\npages 3 2 1 1\n",
    "entries 1\nbytes 2\npages 3 x 2 1\n", "decoder x\n", "squashed 1\n", "squashed 1 x\n",
    "over x\n",
  ])
  func `says nothing where it is damaged`(text: String) {
    #expect(PayloadManifest(Array(text.utf8)) == PayloadManifest())
  }
}

@Suite struct `The memory for a payload` {
  private let tree = PayloadManifest.Tree(
    entries: 6478, bytes: 203_000_000, pages: [52_000, 14_000, 5000])

  @Test func `is that of the tree, of its entries, and of the decoders`() {
    let one = PayloadNeed(tree, threads: 1, pageSize: 4096)
    #expect(one.bytes == 52_000 * 4096 + 6478 * 1230 + 9 * mebibyte)
    #expect(one.thread == 10 * mebibyte)
    #expect(
      PayloadNeed(tree, threads: 3, pageSize: 4096).bytes == one.bytes + 2 * 10 * mebibyte)
  }

  @Test(arguments: [
    (4096, 52_000 << 12), (8192, 14_000 << 14), (16_384, 14_000 << 14), (65_536, 5000 << 16),
    (1 << 20, 5000 << 16),
  ])
  func `counts pages of the size that the machine has`(pageSize: Int, content: Int) {
    #expect(
      PayloadNeed(tree, threads: 1, pageSize: pageSize).bytes
        == content + 6478 * 1230 + 9 * mebibyte)
    let limits = Limits(size: mebibyte, used: mebibyte)
    #expect(
      limits.holding(tree, insteadOf: mebibyte, pageSize: pageSize).used == content)
  }

  @Test(arguments: [
    (0, 0), (5 * mebibyte, 0), (5 * mebibyte + 1, 1), (66 * mebibyte, 61 * mebibyte),
  ])
  func `counts a large decoder for each thread`(decoder: Int, excess: Int) {
    let plain = PayloadNeed(tree, threads: 1)
    let one = PayloadNeed(tree, decoder: decoder, threads: 1)
    #expect(one.bytes == plain.bytes + excess)
    #expect(one.thread == plain.thread + excess)
    #expect(PayloadNeed(tree, decoder: decoder, threads: 2).bytes == one.bytes + one.thread)
  }

  @Test func `counts the payload as free`() {
    let need = PayloadNeed(tree, threads: 1)
    #expect(need.shortage(free: need.bytes - 60 * mebibyte, payload: 60 * mebibyte) == nil)
    let lines = need.shortage(free: need.bytes - 61 * mebibyte, payload: 60 * mebibyte)
    #expect(
      lines?.map(string) == [
        """
        too little memory to unpack the payload, the boot stops: needed 219 MiB (203 MiB of files, \
        6478 entries), available 218 MiB (158 MiB free, 60 MiB of payload)
        """,
        "needed: 1 MiB more memory",
      ])
    // What is missing is rounded up.
    for (missing, remedy) in [(1, "needed: 1 MiB"), (mebibyte + 1, "needed: 2 MiB")] {
      let lines = need.shortage(free: need.bytes - missing, payload: 0)
      #expect(lines?.map(string).last == "\(remedy) more memory")
    }
  }

  @Test func `of a tree as large as its numbers can say is no trap`() {
    let huge = PayloadManifest.Tree(entries: .max, bytes: .max, pages: [.max, .max, .max])
    for pageSize in PayloadManifest.Tree.pageSizes {
      let need = PayloadNeed(huge, decoder: .max, threads: 8, pageSize: pageSize)
      #expect(need.shortage(free: 1 << 42, payload: 1 << 40) != nil)
    }
    let limits = Limits(size: 1 << 40, used: 1 << 30, inodes: 1000, usedInodes: 10)
    #expect(limits.holding(huge, insteadOf: 0).shortage(for: limits) == nil)
  }

  @Test func `unknown, is all there is`() {
    let tree = PayloadNeed.largestTree(in: 300 * mebibyte)
    #expect(tree.pages == [291 << 8, 291 << 6, 291 << 4])
    #expect(PayloadNeed.largestTree(in: 0).pages == [0, 0, 0])
  }
}

@Suite struct `The limits of a packed tree` {
  private let tree = PayloadManifest.Tree(
    entries: 1600, bytes: 16 * mebibyte, pages: [4096, 1024, 256])

  @Test func `are raised so that it fits, and a sixteenth more`() {
    let rootfs = Limits(
      size: 12 * mebibyte, used: 5 * mebibyte, inodes: 1000, usedInodes: 0)
    let apart = rootfs.holding(tree, insteadOf: 5 * mebibyte)
    #expect(string(apart.options) == "size=\(17 * mebibyte),nr_inodes=1700")
    #expect(apart.used == 16 * mebibyte)
    #expect(rootfs.holding(tree, insteadOf: 0).used == 21 * mebibyte)
    // A ramfs does not say what it holds.
    #expect(Limits().holding(tree, insteadOf: 5 * mebibyte).used == 16 * mebibyte)
  }

  @Test func `stay where it fits, or where there are none`() {
    let large = Limits(size: 64 * mebibyte, used: mebibyte, inodes: 9000, usedInodes: 10)
    #expect(
      string(large.holding(tree, insteadOf: 0).options) == "size=\(64 * mebibyte),nr_inodes=9000")
    #expect(string(Limits().holding(tree, insteadOf: 0).options) == "size=0,nr_inodes=0")
  }
}
