// SPDX-License-Identifier: MIT

import Compression
import Threads

/// Why the reading of an image ends early.
///
/// Not generic over the source: a generic error type is looked up on every call of a function that
/// throws it.
enum Stop: Error {
  /// The source cannot be read (``Window/failure``), or ends the reading.
  case source
  /// The kernel stops here. `isTruncated`: at the end of the image, inside a compressed member.
  case refused(Refusal, isTruncated: Bool = false)
  /// A sidecar is malformed.
  case malformed(SidecarFault)
}

/// Decodes the member at the front of a window, one buffer after the other.
final class Decoding<Source: ImageSource & ~Copyable> {
  /// The content of one buffer.
  struct Piece {
    /// The number of bytes in the buffer.
    var count: Int
    /// The offset in the image after the bytes that the piece was decoded from.
    var offset: Int64
    /// Whether it is the member's last.
    var isEnd: Bool
  }

  /// The size that a buffer must have, in bytes.
  var bufferSize: Int { decoder.outputSize }
  /// Whether ``check(_:)`` has something to do.
  var hasCheck: Bool { decoder.hasCheck }
  var isCheckWrong: Bool { decoder.isCheckWrong }
  var workspace: Int { decoder.workspace }

  let decoder: Decoder
  private let window: Window<Source>
  private let start: Int64

  init(_ decoder: Decoder, _ window: Window<Source>) {
    start = window.offset
    self.decoder = decoder
    self.window = window
  }

  /// Fills `buffer` with the next piece.
  func next(
    into buffer: UnsafeMutableRawBufferPointer
  ) throws(Stop) -> Piece {
    while true {
      try window.fill(decoder.needed)
      let step: Decoder.Step
      do throws(Decoder.Failure) {
        step = try decoder.step(window.bytes, isLast: window.isLast, into: buffer)
      } catch {
        let offset = error.isTruncated ? window.source.size : window.offset
        throw .refused(
          Refusal(offset: offset, fault: .member(decoder.codec, at: start, error)),
          isTruncated: error.isTruncated)
      }
      window.advance(Int64(step.taken))
      if step.made > 0 || step.isEnd {
        return Piece(count: step.made, offset: window.offset, isEnd: step.isEnd)
      }
    }
  }

  /// Does the work that needs the decoded bytes but not the decoder: gzip's crc.
  func check(_ bytes: UnsafeRawBufferPointer) { decoder.check(bytes) }
}

/// The pieces of a ``Decoding``, one after the other. If there is a check to do, and the member may
/// be large, a second thread decodes a few buffers ahead.
final class DecodedPieces<Source: ImageSource & ~Copyable> {
  typealias Piece = Decoding<Source>.Piece

  private struct Filled {
    var piece: Result<Piece, Stop>
    var buffer: UnsafeMutableRawBufferPointer
  }

  let decoding: Decoding<Source>

  private let decoders: DecoderStore
  private let buffers: [UnsafeMutableRawBufferPointer]
  private let free: BoundedQueue<UnsafeMutableRawBufferPointer>
  private let full: BoundedQueue<Filled>
  private var thread: Thread?
  private var current: UnsafeMutableRawBufferPointer?

  /// Members smaller than this are not worth a thread.
  private static var threshold: Int64 { 1 << 20 }

  /// - Parameter size: bytes of the image from the member's start on.
  init(_ decoding: Decoding<Source>, _ decoders: DecoderStore, of size: Int64) {
    self.decoding = decoding
    self.decoders = decoders
    let isParallel = decoding.hasCheck && size >= Self.threshold
    // Three buffers of lz4 are 24 MiB.
    let count = !isParallel ? 1 : decoding.bufferSize > 1 << 20 ? 3 : 6
    buffers = (0..<count).map { _ in .allocate(byteCount: decoding.bufferSize, alignment: 64) }
    free = BoundedQueue(capacity: count)
    full = BoundedQueue(capacity: count)
    if isParallel {
      for buffer in buffers { free.put(buffer) }
      let (free, full) = (free, full)
      thread = Thread { Self.produce(decoding, free, full) }
    }
  }

  deinit {
    free.close()
    thread?.join()
    for buffer in buffers { buffer.deallocate() }
    decoders.keep(decoding.decoder)
  }

  /// Returns the next piece; its bytes are valid until the next call.
  func next() throws(Stop) -> (Piece, UnsafeRawBufferPointer) {
    let filled = nextFilled()
    let piece = try filled.piece.get()
    let bytes = UnsafeRawBufferPointer(rebasing: filled.buffer[..<piece.count])
    decoding.check(bytes)
    return (piece, bytes)
  }

  private func nextFilled() -> Filled {
    if thread != nil {
      if let current { free.put(current) }
      if let filled = full.take() {
        current = filled.buffer
        return filled
      }
    }
    return Self.fill(buffers[0], decoding)
  }

  private static func fill(
    _ buffer: UnsafeMutableRawBufferPointer, _ decoding: Decoding<Source>
  ) -> Filled {
    do throws(Stop) {
      return Filled(piece: .success(try decoding.next(into: buffer)), buffer: buffer)
    } catch {
      return Filled(piece: .failure(error), buffer: buffer)
    }
  }

  /// Runs on the second thread until the member ends or its pieces are no longer wanted.
  private static func produce(
    _ decoding: Decoding<Source>, _ free: BoundedQueue<UnsafeMutableRawBufferPointer>,
    _ full: BoundedQueue<Filled>
  ) {
    while let buffer = free.take() {
      let filled = fill(buffer, decoding)
      full.put(filled)
      guard case .success(let piece) = filled.piece, !piece.isEnd else { return }
    }
  }
}
