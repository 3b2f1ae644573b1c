// SPDX-License-Identifier: MIT

import Compression
import Images
import Initramfs
import Newc
import OddImages
import Samples
import SystemPackage
import Testing

@Suite struct KernelRulesTests {
  @Test(arguments: [
    ("6.1", KernelVersion(6, 1)), ("6.12.117", KernelVersion(6, 12, 117)),
    ("6.1.0-50-amd64", KernelVersion(6, 1)), ("5.10.0", KernelVersion(5, 10, 0)),
    ("6.18.15+deb13-cloud-amd64", KernelVersion(6, 18, 15)),
    ("7.0.0-rc3+", KernelVersion(7, 0, 0)), ("7.0-rc3", KernelVersion(7, 0, 0)),
    (
      "5.10.0-32-cloud-amd64 (debian-kernel@lists.debian.org) #1 SMP Debian 5.10.223-1 (2024-08-10)",
      KernelVersion(5, 10, 223)
    ),
    ("6.6.30-1-default (geeko@buildhost) #1 SMP", KernelVersion(6, 6, 30)),
    // Another kernel's number does not count.
    ("6.6.0-1 (a@b) #1 SMP Debian 6.1.223-1", KernelVersion(6, 6)),
    ("6.1.0-1 (a@b) #1 SMP Debian 5.1.223-1", KernelVersion(6, 1)),
  ])
  func `a version is read as uname and kernels write it`(text: String, version: KernelVersion) {
    #expect(KernelVersion(text) == version)
  }

  @Test(arguments: ["", "6", "6.", "linux", "v6.1", "vmlinuz-6.1", ".6.1", "123456789.1"])
  func `twin: what begins with no version is none`(text: String) {
    #expect(KernelVersion(text) == nil)
  }

  private func rules(_ version: String) throws -> KernelRules {
    KernelRules(try #require(KernelVersion(version)))
  }

  @Test func `the newest version has the rules of the default`() throws {
    #expect(try rules("99.0") == KernelRules())
  }

  @Test(arguments: [
    ("6.12.1", false), ("6.12.2", true), ("6.12", true), ("6.11.10", false), ("6.10.14", false),
    ("6.13.0", true), ("5.10.230", false), ("5.10.231", true), ("5.10.0-32-amd64", true),
    ("5.11.22", false), ("7.0", true),
  ])
  func `a change has a first version, and one in each stable series that got it`(
    version: String, checksNames: Bool
  ) throws {
    #expect(try rules(version).records.checksNames == checksNames)
  }

  @Test(arguments: [
    ("5.4.287", "5.4.286"), ("5.10.231", "5.10.230"), ("5.15.174", "5.15.173"),
    ("6.1.120", "6.1.119"), ("6.6.64", "6.6.63"), ("6.11.11", "6.11.10"), ("6.12.2", "6.12.1"),
    ("6.13", "6.10"), ("6.13.0", "6.7.12"), ("7.0", "4.19.330"),
  ])
  func `names without a NUL are refused from these versions on`(first: String, last: String) throws
  {
    #expect(try rules(first).records.checksNames)
    #expect(try !rules(last).records.checksNames)
  }

  @Test(arguments: [
    ("5.14", "5.13.19"), ("5.14.0", "5.12"), ("5.10.52", "5.10.51"), ("5.4.134", "5.4.133"),
    ("6.1", "5.5.19"),
  ])
  func `zeros end an lz4 member from these versions on`(first: String, last: String) throws {
    #expect(try rules(first).members.zerosEndLZ4)
    #expect(try !rules(last).members.zerosEndLZ4)
  }

  @Test func `each other change came with one version`() throws {
    func expect(_ first: String, _ last: String, _ property: (KernelRules) -> Bool) throws {
      #expect(try property(rules(first)), "\(first)")
      #expect(try !property(rules(last)), "\(last)")
    }
    try expect("7.2", "7.1.99") { $0.records.digits == .strict }
    try expect("5.19", "5.18.99") { $0.records.takesSums && $0.hasTimeOption }
    try expect("6.12", "6.11.99") { $0.members.hasARM64Filter }
    try expect("5.16", "5.15.999") { $0.members.takesEmptyZstd }
    try expect("5.9", "5.8.18") { $0.codecs.contains(.zstd) }
    #expect(try rules("5.8").codecs == Set(Codec.allCases).subtracting([.zstd]))
  }

  @Test func `a number of a version has at most five digits`() {
    #expect(KernelVersion("6.12.99999") == KernelVersion(6, 12, 99999))
    #expect(KernelVersion("99999.99999")?.major == 99999)
    #expect(KernelVersion("6.123456") == nil)
    #expect(KernelVersion("123456.1") == nil)
  }

  @Test(arguments: [
    ("5.18", false, false), ("5.19", true, true), ("5.10", false, false), ("6.1", true, true),
  ])
  func `sums and the option for times came with Linux 5.19`(
    version: String, sums: Bool, times: Bool
  ) throws {
    let rules = try rules(version)
    #expect(rules.records.takesSums == sums)
    #expect(rules.hasTimeOption == times)
    let image = archive([.file("x", "content").summed])
    let refusal = check(image, rules).refusal
    #expect(refusal?.kernelMessage == (sums ? nil : "no cpio magic"))
    #expect(refusal?.expected == (sums ? nil : "070701"))
  }

  @Test func `digits are strict where the kernel is`() throws {
    let image = archive([.file("x").with { $0.overlay = [6: "0x000001"] }])
    #expect(try check(image, rules("7.1")).refusal == nil)
    #expect(
      try check(image, rules("7.2")).refusal?.kernelMessage == "damaged header")
  }

  @Test func `zeros behind lz4 end the member on kernels that know them`() throws {
    let lz4 = try Compressor.lz4.compress(archive([.file("x")]))
    let image = lz4 + zeros(8 - lz4.count % 4) + archive([.file("y")])
    for (version, message) in [
      ("5.14", nil), ("5.10.51", "Decoding failed"), ("5.10.52", nil), ("5.13", "Decoding failed"),
    ] {
      let refusal = try check(image, rules(version)).refusal
      #expect(refusal?.kernelMessage == message, "\(version)")
    }
  }

  @Test func `xz with the filter for arm64 needs Linux 6.12, zstd 5.9`() throws {
    let archive = archive([.file("x", "content")])
    let xz = try Compressor.xz.compress(archive, "--check=crc32", "--arm64", "--lzma2")
    #expect(try check(xz, rules("6.12")).refusal == nil)
    let refusal = try check(xz, rules("6.11")).refusal
    #expect(refusal?.found == "xz with other filters")
    #expect(refusal?.expected == "LZMA2, at most with x86 before it")
    let zstd = try Compressor.zstd.compress(archive)
    #expect(try check(zstd, rules("5.9")).refusal == nil)
    #expect(
      try check(zstd, rules("5.8")).refusal?.kernelMessage
        == "invalid magic at start of compressed archive")
  }

  @Test func `a zstd member of nothing needs Linux 5.16`() throws {
    let empty = try Compressor.zstd.compress([])
    #expect(empty.count > 5)
    #expect(try check(archive([]) + empty, rules("5.16")).refusal == nil)
    #expect(
      try check(archive([]) + empty, rules("5.15")).refusal?.kernelMessage
        == "ZSTD-compressed data is probably corrupt")
  }

  private func notes(_ image: [UInt8], _ kernel: String?) throws -> [String] {
    let version = try kernel.map { try #require(KernelVersion($0)) }
    return try Inspection(Bytes(image), of: "image", kernel: version).findings.kept
      .filter { $0.kind == .oldKernels || $0.kind == .lz4Trap }.map(\.text)
  }

  @Test func `without a kernel the least version is a note, with one the verdict is its own`()
    throws
  {
    let summed = archive([.file("x", "content").summed])
    #expect(try notes(summed, nil) == ["checksums (070702) need Linux 5.19 or later"])
    #expect(try notes(summed, "6.1") == [])
    let lz4 = try Compressor.lz4.compress(archive([.file("x")]))
    let image = lz4 + zeros(8 - lz4.count % 4) + archive([.file("y")])
    #expect(try notes(image, nil).count == 1)
    #expect(try notes(image, "6.1") == [])
  }

  @Test func `a name without a NUL is refused, and a note says which kernel takes it`() throws {
    let image = archive([.file("x").with { $0.name = Array("xyzw".utf8) }])
    #expect(try notes(image, "6.12.2") == [])
    let notes = try notes(image, "6.12.1")
    #expect(notes.count == 1)
    #expect(notes.first?.contains("does not check for the NUL") == true)
  }
}
