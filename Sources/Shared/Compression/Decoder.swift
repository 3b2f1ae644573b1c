// SPDX-License-Identifier: MIT

/// Decodes one member of an initramfs, piece by piece, as the kernel's lib/decompress_*.c do.
///
/// Call ``step(_:isLast:into:)`` until it reports the end of the member. It throws a ``Failure``
/// where the kernel refuses the data; ``isCheckWrong`` covers the checks that the kernel ignores
/// (gzip's and lzop's). Memory use is that of the codec's window, at most ``memoryLimit``. A copy of a
/// decoder is the same decoder.
public struct Decoder {
  /// What differs between kernels.
  public struct Rules: Equatable, Sendable {
    /// Whether four zero bytes end an lz4 member.
    public var zerosEndLZ4 = true
    /// Whether xz may have the branch filter for arm64 (`CONFIG_XZ_DEC_ARM64`).
    public var hasARM64Filter = true
    /// Whether a zstd frame may have a window of size 0, that is, no content.
    public var takesEmptyZstd = true

    /// The rules of the newest kernel, built as Debian builds it.
    public init() {}
  }

  /// The result of one call.
  public struct Step: Equatable, Sendable {
    /// The number of input bytes taken.
    public var taken = 0
    /// The number of bytes written to the output.
    public var made = 0
    /// Whether the member ends after the bytes taken.
    public var isEnd = false
  }

  /// The most memory for a window or a dictionary, in bytes. lzma and xz may use all of it: the
  /// kernel has no limit for them, and their failures name this one. zstd's limit, in the kernel
  /// and by default, is half of it.
  public static let memoryLimit = 256 << 20

  /// What the member is encoded in.
  public let codec: Codec
  /// How many bytes the output of each step must have room for.
  public let outputSize: Int
  /// Whether the member's own check is wrong. The kernel ignores it. Known at the end.
  public var isCheckWrong: Bool { backend.isCheckWrong }
  /// The memory of the kernel's decompressor for its window and tables, in bytes. Known at the end.
  public var workspace: Int { backend.workspace }
  /// How many bytes of input the next step must get in one piece, unless fewer are left.
  public var needed: Int { backend.needed }

  private let backend: any Backend

  /// A decoder at the start of a member; ``Codec/raw`` has none.
  ///
  /// - Throws: A failure with ``Failure/isOutOfMemory``, as each step may: most libraries allocate
  ///   a window when they read its size. If Swift cannot allocate the decoder itself, some hundred
  ///   bytes, the program ends.
  public init(_ codec: Codec, _ rules: Rules = Rules()) throws(Failure) {
    let backend: any Backend
    switch codec {
    case .raw: preconditionFailure("raw members are not decoded")
    case .gzip: backend = try GzipDecoder()
    case .bzip2: backend = try Bzip2Decoder()
    case .lzma: backend = try LZMADecoder()
    case .xz: backend = try XZDecoder(rules)
    case .lzo: backend = LZODecoder()
    case .lz4: backend = LZ4Decoder(rules)
    case .zstd: backend = try ZstdDecoder(rules)
    }
    self.backend = backend
    self.codec = codec
    outputSize = backend.outputSize
  }

  /// Prepares for another member of the same codec, whatever became of this one. The memory for the
  /// window stays allocated.
  ///
  /// - Returns: Whether the codec's library can do so; otherwise a new decoder is needed.
  public func restart() -> Bool { backend.restart() }

  /// Whether ``check(_:)`` has something to do.
  public var hasCheck: Bool { backend.hasCheck }

  /// Adds decoded bytes to the check for ``isCheckWrong``, those of each step once and in order.
  ///
  /// It may run on another thread than ``step(_:isLast:into:)``, a few steps behind.
  public func check(_ bytes: UnsafeRawBufferPointer) { backend.check(bytes) }

  /// Decodes some of `input`.
  ///
  /// - Parameters:
  ///   - input: The bytes after those taken so far, at least ``needed`` unless fewer are left.
  ///   - isLast: Whether nothing comes after `input`.
  ///   - output: Room for ``outputSize`` bytes.
  public func step(
    _ input: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
  ) throws(Failure) -> Step {
    let step = try backend.step(input, isLast: isLast, into: output)
    if isLast, step == Step() || (step.taken == input.count && !step.isEnd && step.made == 0) {
      throw Failure(
        found: "the end of the file", expected: codec.rest, kernelMessage: backend.truncated,
        isTruncated: true)
    }
    return step
  }
}

/// One of the seven decoders.
protocol Backend: AnyObject {
  var outputSize: Int { get }
  var needed: Int { get }
  var hasCheck: Bool { get }
  var isCheckWrong: Bool { get }
  var workspace: Int { get }
  /// The kernel's message for a truncated member.
  var truncated: StaticString? { get }
  func restart() -> Bool
  func check(_ bytes: UnsafeRawBufferPointer)
  func step(
    _ input: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
  ) throws(Decoder.Failure) -> Decoder.Step
}

extension Backend {
  var outputSize: Int { 256 << 10 }
  var needed: Int { 1 }
  var hasCheck: Bool { false }
  var isCheckWrong: Bool { false }
  func restart() -> Bool { false }
  func check(_ bytes: UnsafeRawBufferPointer) {}
}

extension UnsafeRawBufferPointer {
  /// The little-endian 32-bit number at `offset`.
  func littleEndian32(at offset: Int) -> UInt32 {
    UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// The big-endian 32-bit number at `offset`.
  func bigEndian32(at offset: Int) -> UInt32 {
    UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }
}
