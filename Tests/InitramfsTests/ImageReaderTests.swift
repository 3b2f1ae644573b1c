// SPDX-License-Identifier: MIT

import Compression
import Fidelity
import Files
import Images
import Initramfs
import OddImages
import Samples
import SystemPackage
import Testing

/// Bytes of which half compress well, and that are the same each time.
private func noise(_ count: Int) -> [UInt8] {
  var random = SplitMix(seed: 1)
  let words = (0..<((count + 7) / 8)).map { $0 % 16 < 8 ? random.next() : UInt64($0 / 64) }
  return words.withUnsafeBytes { Array($0.prefix(count)) }
}

@Suite struct ImageReaderTests {
  @Test(arguments: Codec.allCases)
  func `a member in any codec is read whole`(codec: Codec) throws {
    let data = noise(1_500_000)
    let archive = try archive("file", data)
    let image = try encoded(archive, codec)
    let (summary, found) = try read(image)
    #expect(summary.refusal == nil)
    #expect(summary.members.count == 1)
    #expect(summary.members.first?.codec == codec)
    #expect(summary.members.first?.size == Int64(image.count))
    #expect(summary.members.first?.unpackedSize == UInt64(archive.count))
    #expect(summary.members.first?.entries == 1)
    #expect(found.contents["file"] == data)
    #expect(found.trailers == 1)
  }

  @Test(arguments: [Codec.gzip, .lz4, .zstd])
  func `a large member is decoded on a thread of its own, to the same end`(codec: Codec) throws {
    let data = noise(5_000_000)
    let image = try encoded(archive("file", data) + archive("last", [1]), codec)
    #expect(image.count > 2 << 20)
    let (summary, found) = try read(image)
    #expect(summary.refusal == nil)
    #expect(summary.members.first?.size == Int64(image.count))
    #expect(found.contents["file"] == data)
    #expect(found.names == ["file", "last"])

    var broken = image
    for place in (image.count / 2)..<(image.count / 2 + 100) { broken[place] ^= 0x55 }
    let (damaged, _) = try read(broken)
    // The legacy frame of lz4 has no check.
    let isNoticed = damaged.refusal != nil || damaged.members.first?.isCheckWrong == true
    #expect(isNoticed || codec == .lz4)
    #expect(try read(Array(image.prefix(image.count * 2 / 3))).summary.refusal != nil)
  }

  @Test func `what one reader leaves to the next changes nothing`() throws {
    // Too small for a thread: a damaged member would end earlier or later.
    let archive = try archive("file", noise(700_000)) + archive("last", [1])
    let decoders = DecoderStore()
    for codec in [.zstd, .zstd, .gzip, .zstd, .lz4, .xz, .raw, .zstd] as [Codec] {
      let image = try encoded(archive, codec)
      var broken = image
      for place in (image.count / 2)..<(image.count / 2 + 100) { broken[place] ^= 0x55 }
      for bytes in [image, broken, Array(image.prefix(image.count / 3)), image] {
        let expected = Recorder(bytes)
        let found = Recorder(bytes, KernelRules(), .data, decoders)
        #expect(found.summary == expected.summary)
        #expect(found.names == expected.names)
        let isSame = found.contents["file"]?.elementsEqual(expected.contents["file"] ?? []) ?? true
        #expect(isSame)
      }
    }
  }

  @Test func `a refusal inside a large member says the same each time`() throws {
    let image = try encoded(
      archive("file", noise(5_000_000)) + [7] + noise(5_000_000), .zstd)
    let first = try read(image).summary
    #expect(first.refusal?.kernelMessage == "junk within compressed archive")
    for _ in 1...5 { #expect(try read(image).summary == first) }
  }

  @Test(arguments: Codec.allCases, Codec.allCases)
  func `a member in any codec may follow one in any other`(first: Codec, second: Codec) throws {
    var image = try encoded(archive("one", [1]), first)
    // Only zero bytes end an lz4 member: the reader takes anything else for its next chunk. A raw
    // archive must start at a multiple of 4.
    image += [UInt8](repeating: 0, count: (first == .lz4 ? 4 : 0) + (4 - image.count % 4) % 4)
    let offset = image.count
    image += try encoded(archive("two", [2]), second)
    let (summary, found) = try read(image)
    #expect(summary.refusal == nil)
    #expect(found.names == ["one", "two"])
    #expect(summary.members.map(\.codec) == [first, second])
    #expect(summary.members.last?.offset == Int64(offset))
    #expect(summary.padding == Int64(image.count) - summary.members.reduce(0) { $0 + $1.size })
  }

  @Test func `zero bytes may stand before, between and behind members`() throws {
    let zeros = [UInt8](repeating: 0, count: 5000)
    let archive = try archive("a", [1, 2])
    let image = try zeros + archive + zeros + encoded(archive, .gzip) + [0] + zeros
    let (summary, found) = try read(image)
    #expect(summary.refusal == nil)
    #expect(found.names == ["a", "a"])
    #expect(summary.members.map(\.offset) == [5000, 10000 + Int64(archive.count)])
  }

  @Test func `a raw archive may lack its trailer, and ends with it otherwise`() throws {
    let archive = try archive("a", [1])
    let bare = Array(archive.dropLast(124))
    let (summary, found) = try read(bare + archive + archive)
    #expect(summary.refusal == nil)
    #expect(summary.members.map(\.entries) == [2, 1])
    #expect(found.names == ["a", "a", "a"])
    #expect(found.trailers == 2)
  }

  @Test func `a raw archive that is cut short is no error, but noticed`() throws {
    let archive = try archive("a", noise(1000))
    for count in [50, 111, 500, 1100] {
      let (summary, _) = try read(Array(archive.prefix(count)))
      #expect(summary.refusal == nil)
      #expect(summary.isCutShort)
      let (unread, _) = try read(Array(archive.prefix(count)), wish: .verified)
      #expect(unread == summary)
    }
    #expect(try !read(archive).summary.isCutShort)
    #expect(try !read(archive, wish: .verified).summary.isCutShort)
  }

  @Test(arguments: Codec.allCases.filter { $0 != .raw })
  func `a compressed member that is cut short is refused`(codec: Codec) throws {
    let image = try encoded(archive("a", noise(200_000)), codec)
    for count in [2, 11, image.count / 2, image.count - 1] {
      let (summary, _) = try read(Array(image.prefix(count)))
      #expect(summary.refusal != nil, "\(count) bytes of \(image.count)")
    }
  }

  @Test(arguments: Codec.allCases)
  func `an image that is cut short is all member, and no padding that it does not have`(
    codec: Codec
  ) throws {
    let early = try archive("kernel/x86/microcode/GenuineIntel.bin", [1])
    let front = early + [UInt8](repeating: 0, count: 512)
    // More is unpacked of what is left than there are bytes in the image.
    let whole = try encoded(archive("a", noise(200_000) + zeros(1_000_000)), codec)
    for size in [20, whole.count / 2, whole.count - 130] {
      let member = Array(whole.prefix(size))
      let (alone, _) = try read(member)
      #expect(alone.padding == 0, "\(size) bytes of \(whole.count)")
      #expect(alone.members.last?.size ?? Int64(size) == Int64(size))

      let (behind, _) = try read(front + member)
      #expect(try behind.damage("image") != nil)
      #expect(behind.padding == 512, "\(size) bytes of \(whole.count)")
    }
  }

  @Test func `what the kernel's decompressors do not take is refused`() throws {
    let archive = try archive("a", [1])
    #expect(
      try read(filter(archive, "xz", "-c")).summary.refusal?.found == "xz with check crc64")
    #expect(try read(filter(archive, "lz4", "-c")).summary.refusal?.offset == 0)
    var gzip = try encoded(archive, .gzip)
    gzip[3] |= 4
    #expect(try read(gzip).summary.refusal == nil)
    gzip.insert(contentsOf: [2, 0, 0x61, 0x62], at: 10)
    #expect(try read(gzip).summary.refusal != nil)
    let skippable: [UInt8] = [0x50, 0x2A, 0x4D, 0x18, 0, 0, 0, 0]
    #expect(
      try read(skippable + encoded(archive, .zstd)).summary.refusal?.kernelMessage
        == "invalid magic at start of compressed archive")
  }

  @Test func `xz is taken with the filters that the kernel has, and no other`() throws {
    let archive = try archive("a", noise(10_000))
    func refusal(_ filters: String) throws -> Refusal? {
      try read(filter(archive, "sh", "-c", "xz -c --check=crc32 \(filters)")).summary.refusal
    }
    #expect(try refusal("--x86 --lzma2") == nil)
    #expect(try refusal("--lzma2=lc=0,lp=2,pb=0") == nil)
    #expect(try refusal("--block-size=1000") == nil)
    for filters in ["--arm --lzma2", "--delta --lzma2", "--x86=start=4096 --lzma2"] {
      #expect(try refusal(filters)?.found == "xz with other filters")
    }
    #expect(
      try refusal("--lzma2=dict=512MiB")?.found == "xz with a dictionary above 256 MiB")
  }

  @Test func `directly behind lz4 no other member may follow`() throws {
    let archive = try archive("a", [1])
    let image = try encoded(archive, .lz4)
    #expect(
      try read(image + encoded(archive, .gzip)).summary.refusal?.kernelMessage
        == "Decoding failed")
    #expect(try read(image + [0, 0, 0, 0] + encoded(archive, .gzip)).summary.refusal == nil)
    // Another lz4 frame goes on with the first.
    #expect(try read(image + image).summary.members.count == 1)
  }

  @Test(arguments: [Codec.gzip, .lzo])
  func `a check that the kernel does not look at is noticed`(codec: Codec) throws {
    var image = try encoded(archive("a", noise(1000)), codec)
    #expect(try read(image).summary.members.first?.isCheckWrong == false)
    // gzip's crc is 8 bytes before the end; lzop's first sum is behind header, name and sizes.
    let place = codec == .gzip ? image.count - 8 : 38 + Int(image[33]) + 8
    image[place] ^= 1
    let (summary, found) = try read(image)
    #expect(summary.refusal == nil)
    #expect(summary.members.first?.isCheckWrong == true)
    #expect(found.names == ["a"])
  }

  @Test func `a member may not end inside a record, nor hold junk between records`() throws {
    let archive = try archive("a", noise(100))
    let cut = try encoded(Array(archive.prefix(150)), .zstd)
    #expect(
      try read(cut).summary.refusal?.error("image").description
        == "image: offset 0: found the end of the zstd member (byte 150 unpacked), "
        + "expected the rest of a record")
    let junk = try encoded(archive + [7], .zstd)
    #expect(
      try read(junk).summary.refusal?.error("image").description
        == "image: offset 0: found junk (byte \(archive.count) unpacked), "
        + "expected a newc record or zero bytes")
  }

  @Test func `padding that is no multiple of 4 is refused, whatever follows`() throws {
    let archive = try archive("a", [1])
    let (summary, _) = try read(archive + [0, 0] + encoded(archive, .gzip))
    #expect(summary.refusal?.kernelMessage == "broken padding")
    #expect(summary.refusal?.offset == Int64(archive.count) + 2)
    #expect(try read(archive + [0, 0, 0, 0] + encoded(archive, .gzip)).summary.refusal == nil)
  }
}
