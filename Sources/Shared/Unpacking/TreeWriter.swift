// SPDX-License-Identifier: MIT

import Initramfs
import Threads

/// Makes files in batches, on a thread of its own.
final class TreeWriter {
  enum Step {
    case create(Record)
    case data(Int)
    case endData
    case forgetLinks
    case skip(LostRecord)
  }

  /// Some records and their data.
  private struct Batch {
    var steps: [Step] = []
    var bytes: [UInt8] = []
    /// Where to report whether a file is open after the last step.
    var answer: BoundedQueue<Bool>?

    /// In bytes: large enough to keep the threads apart, small enough to stay in the processor's
    /// cache.
    static var size: Int { 256 << 10 }
    static var stepLimit: Int { 1024 }

    init() { bytes.reserveCapacity(2 * Self.size) }

    var isFull: Bool { bytes.count >= Self.size || steps.count >= Self.stepLimit }
  }

  private let queue = BoundedQueue<Batch>(capacity: 8)
  private let monitor = Monitor()
  private var thread: Thread?
  private var batch = Batch()

  // Used only by the thread, and by others once it has ended.
  private var unpacker: Unpacker<DirectoryTree>
  private var lost = DirectoryUnpacker.Summary()

  // Guarded by `monitor`.
  private var failure: UnpackFailure?
  private var isAbandoned = false

  init(_ unpacker: consuming Unpacker<DirectoryTree>) {
    self.unpacker = unpacker
    // The thread has ended when `self` is freed.
    let this = Unmanaged.passUnretained(self)
    thread = Thread { this.takeUnretainedValue().work() }
  }

  /// Whether making a file has failed; nothing is made after that.
  var hasFailed: Bool { monitor.withLock { failure != nil } }

  func add(_ step: Step) {
    batch.steps.append(step)
    if batch.isFull { flush() }
  }

  /// Adds data of the file that was created last.
  func add(_ bytes: UnsafeRawBufferPointer) {
    batch.bytes.append(contentsOf: bytes)
    add(.data(bytes.count))
  }

  /// Whether the file that was created last could be opened.
  func isFileOpen() -> Bool {
    let answer = BoundedQueue<Bool>(capacity: 1)
    batch.answer = answer
    flush()
    return answer.take() ?? false
  }

  /// Completes the tree, and adds the results to `summary`.
  func finish(
    _ summary: inout DirectoryUnpacker.Summary, _ builtIn: BuiltInFiles
  ) throws(UnpackFailure) {
    flush()
    end()
    if let failure { throw failure }
    try unpacker.finish()
    let missing = unpacker.missingXattrs
    if let xattr = missing.first, missing.isFailure {
      throw UnpackFailure(step: .setxattr, code: xattr.code, name: xattr.path)
    }
    builtIn.removeUntouched()
    try unpacker.files.finish()
    summary.lost = lost.lost
    summary.lostCount = lost.lostCount
    summary.deviceCount = unpacker.files.deviceCount
    summary.ownerCount = unpacker.files.ownerCount
    summary.missingXattrs = unpacker.missingXattrs
  }

  /// Ends without making what is still queued.
  func abandon() {
    monitor.withLock { isAbandoned = true }
    end()
  }

  private func end() {
    queue.close()
    thread?.join()
    thread = nil
    if failure != nil || isAbandoned { unpacker.abandon() }
  }

  private func flush() {
    let full = batch
    batch = Batch()
    if thread == nil { perform(full) } else { queue.put(full) }
  }

  // MARK: The thread

  private func work() {
    while let batch = queue.take() { perform(batch) }
  }

  private func perform(_ batch: Batch) {
    let isOver = monitor.withLock { failure != nil || isAbandoned }
    if !isOver {
      do throws(UnpackFailure) {
        try make(batch)
      } catch {
        monitor.withLock { failure = error }
      }
    }
    batch.answer?.put(unpacker.isFileOpen)
  }

  private func make(_ batch: Batch) throws(UnpackFailure) {
    var start = 0
    for step in batch.steps {
      switch step {
      case .create(let record):
        let outcome = try unpacker.apply(
          record.entry, target: record.target, extra: record.extra)
        if case .lost(let loss) = outcome { lost.add(LostRecord(record, loss)) }
      case .data(let count):
        let range = start..<(start + count)
        start += count
        try batch.bytes.withUnsafeBufferPointer { (bytes) throws(UnpackFailure) in
          try unpacker.write(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[range])))
        }
      case .endData: try unpacker.endData()
      case .forgetLinks: unpacker.forgetLinks()
      case .skip(let record): lost.add(record)
      }
    }
  }
}
