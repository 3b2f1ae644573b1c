// SPDX-License-Identifier: MIT

import Encoders
import Threads

/// Compresses members on several threads and returns them in order.
final class MemberEncoder {
  private struct Plain {
    var number: Int
    var newc: [UInt8]
    var sidecar: [UInt8]
  }

  /// A compressed member, and its sidecar with what newc cannot express.
  struct Encoded {
    var bytes: [UInt8]
    var sidecar: [UInt8]
    /// The size of the newc archive in bytes.
    var newcSize: UInt64
  }

  private let encoding: Encoding
  private let queue: BoundedQueue<Plain>
  private let monitor = Monitor()
  private var threads: [Thread] = []
  private var count = 0

  // Guarded by `monitor`.
  private var done: [Int: Result<Encoded, EncodingFailure>] = [:]
  private var next = 0

  /// - Parameter jobs: The number of threads; each compresses one member at a time.
  init(_ encoding: Encoding, jobs: Int) {
    self.encoding = encoding
    queue = BoundedQueue(capacity: 1)
    let this = Unmanaged.passUnretained(self)
    for _ in 0..<max(jobs, 1) {
      if let thread = Thread({ this.takeUnretainedValue().work() }) { threads.append(thread) }
    }
  }

  deinit { end() }

  /// Adds the next member, as newc; waits until a thread can take it.
  func add(_ newc: [UInt8], _ sidecar: [UInt8]) throws(EncodingFailure) {
    let member = Plain(number: count, newc: newc, sidecar: sidecar)
    count += 1
    if threads.isEmpty { encode(member) } else { queue.put(member) }
  }

  /// Adds the next member, which is already compressed.
  func addEncoded(_ bytes: [UInt8], _ sidecar: [UInt8], newcSize: UInt64) {
    let number = count
    count += 1
    let encoded = Encoded(bytes: bytes, sidecar: sidecar, newcSize: newcSize)
    monitor.withLock { done[number] = .success(encoded) }
  }

  /// The next member in order; nil if it is not compressed yet.
  func take() throws(EncodingFailure) -> Encoded? {
    let result = monitor.withLock {
      let result = done.removeValue(forKey: next)
      if result != nil { next += 1 }
      return result
    }
    return try result?.get()
  }

  /// Waits until all members are compressed.
  func end() {
    queue.close()
    for thread in threads { thread.join() }
    threads = []
  }

  private func work() {
    while let member = queue.take() { encode(member) }
  }

  private func encode(_ member: Plain) {
    let result = Result<Encoded, EncodingFailure> { () throws(EncodingFailure) in
      let encoder = try Encoder(encoding, size: member.newc.count)
      try encoder.write(member.newc)
      return Encoded(
        bytes: try encoder.finish(), sidecar: member.sidecar, newcSize: UInt64(member.newc.count))
    }
    monitor.withLock { done[member.number] = result }
  }
}
