// SPDX-License-Identifier: MIT

import Compression
import Dispatch
import Glibc
import Synchronization

/// Decodes the member at the front of a window, one buffer after the other.
final class Decoding<Source: ByteSource & ~Copyable> {
  /// One buffer's worth.
  struct Piece {
    /// Bytes in the buffer.
    var count: Int
    /// Offset in the image behind what it was made of.
    var offset: Int64
    /// It is the member's last.
    var isEnd: Bool
  }

  /// How large a buffer must be.
  var bufferSize: Int { decoder.outputSize }
  var isCheckWrong: Bool { decoder.isCheckWrong }
  var workspace: Int { decoder.workspace }

  private let decoder: Decoder
  private let window: Window
  private let source: UnsafePointer<Source>
  private let start: Int64

  init(_ decoder: consuming Decoder, _ window: Window, _ source: UnsafePointer<Source>) {
    start = window.offset
    self.decoder = decoder
    self.window = window
    self.source = source
  }

  /// Fills `buffer` with what comes next.
  /// - Throws: ``Refused``; ``FileError``.
  func next(into buffer: UnsafeMutableRawBufferPointer) throws -> Piece {
    while true {
      try window.fill(decoder.needed, from: source.pointee)
      let isLast = window.isLast(of: source.pointee)
      let step: Decoder.Step
      do throws(Decoder.Failure) {
        step = try decoder.step(window.bytes, isLast: isLast, into: buffer)
      } catch {
        throw Refused(
          refusal: Refusal(
            offset: error.isTruncated ? source.pointee.size : window.offset, found: error.found,
            expected: error.isTruncated ? "\(error.expected) at \(start)" : error.expected,
            kernelMessage: error.kernelMessage ?? "decompressor failed"),
          isTruncated: error.isTruncated)
      }
      window.advance(Int64(step.taken))
      if step.made > 0 || step.isEnd {
        return Piece(count: step.made, offset: window.offset, isEnd: step.isEnd)
      }
    }
  }

  /// Does what needs the decoded bytes but not the decoder: gzip's crc.
  func check(_ bytes: UnsafeRawBufferPointer) { decoder.check(bytes) }
}

/// A ``Decoding`` on a thread of its own, a few buffers ahead of who takes them.
final class DecodingThread<Source: ByteSource & ~Copyable> {
  private let decoding: Decoding<Source>
  private let buffers: [UnsafeMutableRawBufferPointer]
  private let free: DispatchSemaphore
  private let full = DispatchSemaphore(value: 0)
  private let isStopped = Atomic(false)
  // Not an array: both threads are in it, each at a place of its own.
  private let results: UnsafeMutablePointer<Result<Decoding<Source>.Piece, any Error>>
  private var thread = pthread_t()
  private var index = 0

  /// Members smaller than this are not worth a thread.
  static var threshold: Int64 { 1 << 20 }

  /// Starts to decode.
  init(_ decoding: Decoding<Source>) {
    self.decoding = decoding
    // Three buffers of lz4 are 24 MiB.
    let count = decoding.bufferSize > 1 << 20 ? 3 : 6
    buffers = (0..<count).map { _ in
      .allocate(byteCount: decoding.bufferSize, alignment: 64)
    }
    free = DispatchSemaphore(value: count)
    results = .allocate(capacity: count)
    results.initialize(
      repeating: .success(Decoding.Piece(count: 0, offset: 0, isEnd: true)), count: count)
    let this = Unmanaged.passRetained(Box { [unowned self] in produce() })
    let status = pthread_create(
      &thread, nil,
      { box in
        if let box { Unmanaged<Box>.fromOpaque(box).takeRetainedValue().body() }
        return nil
      }, this.toOpaque())
    precondition(status == 0, "no thread: error \(status)")
  }

  /// Ends the thread; must be called before the value goes.
  func join() {
    isStopped.store(true, ordering: .releasing)
    free.signal()
    pthread_join(thread, nil)
    // A semaphore may not go with less than it began with.
    for _ in buffers { free.signal() }
    for buffer in buffers { buffer.deallocate() }
    results.deinitialize(count: buffers.count)
    results.deallocate()
  }

  /// Hands the next buffer to `consume`.
  func next<Output>(
    _ consume: (Decoding<Source>.Piece, UnsafeRawBufferPointer) throws -> Output
  ) throws -> Output {
    full.wait()
    let buffer = buffers[index]
    let piece = try results[index].get()
    let output = try consume(piece, UnsafeRawBufferPointer(rebasing: buffer[..<piece.count]))
    index = (index + 1) % buffers.count
    free.signal()
    return output
  }

  private func produce() {
    var index = 0
    while true {
      free.wait()
      if isStopped.load(ordering: .acquiring) { return }
      let result = Result { try decoding.next(into: buffers[index]) }
      results[index] = result
      full.signal()
      guard case .success(let piece) = result, !piece.isEnd else { return }
      index = (index + 1) % buffers.count
    }
  }
}

private final class Box {
  let body: () -> Void
  init(_ body: @escaping () -> Void) { self.body = body }
}
