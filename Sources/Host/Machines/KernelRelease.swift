// SPDX-License-Identifier: MIT

import Compression
public import Files
import Images
public import Initramfs
import SystemPackage

extension Kernel {
  /// Reads the version of the kernel from its header or its banner.
  /// - Throws: `FileError` if there is none, or the kernel is compressed in an unknown format.
  public func version() throws(FileError) -> KernelVersion {
    guard let text = try banner(), let version = KernelVersion(text) else {
      throw FileError(path, "contains no readable kernel version; specify the version instead")
    }
    return version
  }

  /// Reads the release of the kernel, as `uname -r` prints it; nil if there is none.
  /// - Throws: `FileError`.
  public func release() throws(FileError) -> String? {
    try banner()?.split(separator: " ").first.map(String.init)
  }

  private func banner() throws(FileError) -> String? {
    if let text = try Kernel.header(of: parts) { return text }
    return try Kernel.banner(in: parts)
  }

  /// The `kernel_version` of an x86 kernel; its offset, less 0x200, is at 0x20e.
  ///
  /// Source: Documentation/arch/x86/boot.rst.
  private static func header(of file: ImageParts) throws(FileError) -> String? {
    let head = try file.bytes(at: 0x202, count: 0x10)
    guard head.count == 0x10, head.starts(with: "HdrS".utf8) else { return nil }
    let offset = Int64(head[0xC]) | Int64(head[0xD]) << 8
    guard offset > 0 else { return nil }
    let bytes = try file.bytes(at: offset + 0x200, count: 512)
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// The `linux_banner` (init/version-timestamp.c) without its first words.
  private static func banner(in file: ImageParts) throws(FileError) -> String? {
    let head = try file.bytes(at: 0, count: 64)
    var start: Int64 = 0
    // drivers/firmware/efi/libstub/zboot-header.S: the offset and size of the payload.
    if head.count == 64, head.dropFirst(4).starts(with: "zimg".utf8) {
      start = (0..<4).reduce(0) { $0 | Int64(head[8 + $1]) << (8 * Int64($1)) }
    }
    let magic = try file.bytes(at: start, count: 8)
    var search = BannerSearch()
    guard let codec = Codec(magicOf: magic), codec != .raw else {
      // An uncompressed Image.
      try search.read(file, from: start)
      return search.banner
    }
    try search.unpack(file, from: start, codec)
    return search.banner
  }
}

/// Searches for the banner in bytes that arrive in pieces.
private struct BannerSearch {
  private(set) var banner: String?
  /// The last bytes, where a banner may have started.
  private var tail: [UInt8] = []

  private static let mark = Array("Linux version ".utf8)
  /// A length greater than that of any banner.
  private static let length = 512

  /// - Returns: Whether to continue the search.
  mutating func take(_ bytes: [UInt8]) -> Bool {
    let all = tail + bytes
    var rest = all[...]
    while let found = rest.firstRange(of: BannerSearch.mark) {
      // The format of /proc/version starts with the same words, followed by %s.
      let text = all[found.upperBound...].prefix(BannerSearch.length)
      let line = String(decoding: text.prefix { $0 != 0 && $0 != 0x0A }, as: UTF8.self)
      if text.count == BannerSearch.length, KernelVersion(line) != nil {
        banner = line
        return false
      }
      rest = all[found.upperBound...]
    }
    tail = Array(all.suffix(BannerSearch.length + BannerSearch.mark.count))
    return true
  }

  mutating func read(_ file: ImageParts, from start: Int64) throws(FileError) {
    var offset = start
    while true {
      let block = try file.bytes(at: offset, count: 1 << 20)
      guard !block.isEmpty, take(block) else { return }
      offset += Int64(block.count)
    }
  }

  /// Searches a compressed file as far as it can be decompressed.
  mutating func unpack(
    _ file: ImageParts, from start: Int64, _ codec: Codec
  ) throws(FileError) {
    guard let decoder = try? Decoder(codec) else { return }
    var output = [UInt8](repeating: 0, count: decoder.outputSize)
    var offset = start
    while true {
      let block = try file.bytes(at: offset, count: max(1 << 18, decoder.needed))
      let isLast = offset + Int64(block.count) >= file.size
      let step = try? output.withUnsafeMutableBytes { sink in
        try block.withUnsafeBytes { try decoder.step($0, isLast: isLast, into: sink) }
      }
      guard let step, take(Array(output[..<step.made])), !step.isEnd else { return }
      offset += Int64(step.taken)
    }
  }
}
