// SPDX-License-Identifier: MIT

/// Decodes one member of an initramfs, piece by piece, as the kernel's lib/decompress_*.c do.
///
/// Call ``step(_:isLast:into:)`` until it says that the member ends. What the kernel refuses is a
/// ``Failure``; what it does not look at (gzip's and lzop's checks) is ``isCheckWrong``. Memory is
/// that of the codec's window, at most ``memoryLimit``.
public struct Decoder: ~Copyable {
  /// What differs between kernels.
  public struct Rules: Equatable, Sendable {
    /// Four zero bytes end an lz4 member.
    public var zerosEndLZ4 = true
    /// xz may have the branch filter for arm64 (`CONFIG_XZ_DEC_ARM64`).
    public var hasARM64Filter = true
    /// A zstd frame may have a window of no size, that is, no content.
    public var takesEmptyZstd = true

    /// The newest kernel's, built as Debian builds it.
    public init() {}
  }

  /// What one call did.
  public struct Step: Equatable, Sendable {
    /// Bytes of the input that are done with.
    public var taken = 0
    /// Bytes that were written to the output.
    public var made = 0
    /// The member ends behind the bytes taken.
    public var isEnd = false
  }

  /// The most memory for a window or a dictionary: zstd's limit in the kernel and by default,
  /// and twice as much for lzma and xz, for which the kernel knows none, and whose failures name
  /// it.
  public static let memoryLimit = 256 << 20

  /// What the member is encoded in.
  public let codec: Codec
  /// How many bytes the output of each step must have room for.
  public let outputSize: Int
  /// The member's own check is wrong, and the kernel does not look at it. Known at the end.
  public var isCheckWrong: Bool { backend.isCheckWrong }
  /// Bytes that the kernel's decompressor takes for its window and tables. Known at the end.
  public var workspace: Int { backend.workspace }
  /// How many bytes of input the next step must get in one piece, unless fewer are left.
  public var needed: Int { backend.needed }

  private let backend: any Backend

  /// A decoder at the start of a member; ``Codec/raw`` has none.
  ///
  /// - Throws: A failure with ``Failure/isOutOfMemory``, as each step may: most libraries take the
  ///   memory for a window when its size is read. What Swift itself takes for the decoder, some
  ///   hundred bytes, is not asked for: it ends the program where there is none.
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

  /// ``check(_:)`` has something to do.
  public var hasCheck: Bool { backend.hasCheck }

  /// Sums up decoded bytes for ``isCheckWrong``, each step's once and in order.
  ///
  /// It may run on another thread than ``step(_:isLast:into:)``, a few steps behind.
  public func check(_ bytes: UnsafeRawBufferPointer) { backend.check(bytes) }

  /// Decodes some of `input`.
  ///
  /// - Parameters:
  ///   - input: What follows the bytes taken so far, at least ``needed`` of them if there are.
  ///   - isLast: Nothing comes after `input`.
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
  /// What the kernel says where the member is cut short.
  var truncated: StaticString? { get }
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
  func check(_ bytes: UnsafeRawBufferPointer) {}
}

extension UnsafeRawBufferPointer {
  /// The 32-bit number at `offset`, the least byte first.
  func littleEndian32(at offset: Int) -> UInt32 {
    UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// The 32-bit number at `offset`, the greatest byte first.
  func bigEndian32(at offset: Int) -> UInt32 {
    UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }
}
