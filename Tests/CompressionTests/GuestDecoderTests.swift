// SPDX-License-Identifier: MIT

import Compression
import Images
import Initramfs
import OddImages
import SystemPackage
import TestSupport
import Testing

/// What became of a member, worded. It has no bytes: of two long arrays that differ, the testing
/// library would look for the shortest way from one to the other, for hours.
private struct Outcome: Equatable {
  var count: Int
  var hash: Int
  var failure: String?

  init(_ bytes: [UInt8], _ failure: String? = nil) {
    count = bytes.count
    var hasher = Hasher()
    bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    hash = hasher.finalize()
    self.failure = failure
  }
}

private func host(_ member: [UInt8]) throws -> Outcome {
  let codec = try #require(Codec(kernelMagic: member[0], member[1]))
  let decoded = try Decoded(member, codec)
  return Outcome(decoded.bytes, decoded.failure?.description)
}

/// Tests/GuestUnpack, which is Embedded Swift on musl and the archives, as PID 1 is. It, too, gives
/// all that is left at each step.
private func guest(_ member: [UInt8], memory: Int? = nil) throws -> Outcome {
  let directory = try TemporaryDirectory()
  let file = try directory.file("member", member)
  let program = FilePath(#filePath).removingLastComponent().removingLastComponent()
    .removingLastComponent().appending("build/test/guest-unpack")
  let limit = memory.map { ["prlimit", "--as=\($0)"] } ?? []
  let ended = try Command(limit + [program.string, file.string]).run()

  let name = "guest-unpack: "
  if ended.status == 0 {
    try #require(ended.errors.isEmpty)
    return Outcome(ended.bytes)
  }
  try #require(
    ended.status == 1 && ended.errors.hasPrefix(name) && ended.errors.hasSuffix("\n"),
    "status \(ended.status): \(ended.errors)")
  return Outcome(ended.bytes, String(ended.errors.dropFirst(name.count).dropLast()))
}

/// More than one buffer of each codec but lz4 holds, and more than one block of bzip2.
private let sample = Array((1...300_000).map { "\($0)\n" }.joined().utf8)

@Suite struct GuestDecoderTests {
  @Test(arguments: Compressor.allCases)
  func `the guest decodes what the host decodes`(compressor: Compressor) throws {
    let member = try compressor.compress(sample)
    let outcome = try guest(member)
    #expect(outcome == Outcome(sample))
    #expect(try host(member) == outcome)
  }

  @Test(arguments: Compressor.allCases)
  func `a damaged member comes as far in the guest as on the host, for the same reason`(
    compressor: Compressor
  ) throws {
    let member = try compressor.compress(sample)
    var reasons: Set<String> = []
    for place in stride(from: 3, to: member.count - 8, by: member.count / 7) {
      var damaged = member
      for index in place..<(place + 8) { damaged[index] = ~damaged[index] }
      let outcome = try guest(damaged)
      #expect(try host(damaged) == outcome, "inverted at \(place)")
      if let failure = outcome.failure { reasons.insert(failure) }
    }
    // At the third byte is a header, which each codec looks at.
    #expect(!reasons.isEmpty)

    for count in [2, 12, member.count / 2, member.count - 1] {
      let cut = Array(member.prefix(count))
      let outcome = try guest(cut)
      #expect(outcome.failure != nil, "cut to \(count)")
      #expect(try host(cut) == outcome, "cut to \(count)")
    }
  }

  @Test(arguments: [Compressor.bzip2, .lzma, .xz, .zstd])
  func `a decoder that gets no memory for its window says so`(compressor: Compressor) throws {
    let member = try compressor.compress(sample)
    #expect(try guest(member, memory: 32 << 20).failure == nil)
    #expect(
      try guest(member, memory: 2 << 20).failure
        == "found too little memory, expected enough for the decoder")
  }
}
