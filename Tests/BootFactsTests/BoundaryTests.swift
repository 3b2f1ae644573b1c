// SPDX-License-Identifier: MIT

import BootFacts
import Testing

/// Limits, one below and one at.
@Suite struct BoundaryTests {
  @Test func `a tree fits that is as large as the limit`() {
    let limits = Limits(size: 1000, inodes: 10)
    #expect(limits.shortage(for: Limits(used: 1000)) == nil)
    #expect(limits.shortage(for: Limits(used: 1001)) != nil)
    // The leaf needs one inode more than the tree.
    #expect(limits.shortage(for: Limits(inodes: 99, usedInodes: 9)) == nil)
    #expect(limits.shortage(for: Limits(inodes: 99, usedInodes: 10)) != nil)
  }

  @Test func `memory suffices that is as large as the need`() {
    let need = PayloadNeed(
      PayloadManifest.Tree(entries: 1, bytes: 1, pages: [1, 1, 1]), threads: 1)
    #expect(need.shortage(free: need.bytes - 9, payload: 9) == nil)
    #expect(need.shortage(free: need.bytes - 10, payload: 9) != nil)
  }

  @Test func `a sum or product that is too large is the largest number of its sign`() {
    #expect((Int.max - 1).plus(1) == .max)
    #expect(Int.max.plus(1) == .max)
    #expect(Int.min.plus(-1) == .min)
    #expect(Int.max.times(2) == .max)
    #expect(Int.min.times(-2) == .max)
    #expect(Int.max.times(-2) == .min)
    #expect(Int.min.times(2) == .min)
    #expect((-3).times(5) == -15)
  }

  @Test func `a number has at most 18 digits`() {
    let digits = [UInt8](repeating: 0x39, count: 19)
    #expect(number(digits[..<18]) == 999_999_999_999_999_999)
    #expect(number(digits[...]) == nil)
    #expect(number([]) == nil)
  }

  @Test(arguments: [(7, true), (8, false), (0, true), (15, false)])
  func `the kernel's own records have priorities below 8`(priority: Int, isKernels: Bool) {
    let record = Array("\(priority),1,2,-;text".utf8)
    #expect(LogRecord(record[...])?.isKernels == isKernels)
    let line = Array("<\(priority)>text".utf8)
    #expect(LogRecord(syslog: line[...], number: 1)?.isKernels == isKernels)
  }

  @Test func `a mount has nine fields and more`() {
    // Without optional fields there are ten; the last one may be empty, and the source is the ninth.
    #expect(Mount(Array("36 35 98:0 / /m rw - ext3 /dev/root".utf8)[...])?.source.count == 9)
    #expect(Mount(Array("36 35 98:0 / /m rw - ext3".utf8)[...]) == nil)
  }
}
