// SPDX-License-Identifier: MIT

import Dispatch
import Initramfs
import Newc
import Synchronization
import SystemPackage
import Tree

/// Collects what the reader finds into batches for the thread that makes the files.
struct UnpackingVisitor: ImageVisitor {
  private let writer: TreeWriter
  private(set) var summary = Unpacking.Summary()
  private var batch = Batch()

  init(writer: TreeWriter) { self.writer = writer }

  mutating func entry(_ record: Record) throws -> Wish {
    summary.entries += 1
    summary.bytes += record.entry.type == .regular ? Int64(record.entry.size) : 0
    batch.steps.append(.create(record.entry, record.target))
    guard record.entry.type == .regular else {
      try flushIfFull()
      return .nothing
    }
    // Of a file that cannot be made the sum is not looked at either: so it must be known now.
    if record.isSummed {
      try flush()
      return try writer.hasFile() ? .data : .nothing
    }
    return .data
  }

  mutating func data(_ bytes: Span<UInt8>) throws {
    bytes.withUnsafeBufferPointer { batch.bytes.append(contentsOf: $0) }
    batch.steps.append(.data(bytes.count))
    try flushIfFull()
  }

  mutating func endOfData() throws {
    batch.steps.append(.endData)
    try flushIfFull()
  }

  mutating func trailer() { batch.steps.append(.forgetLinks) }

  /// Hands over what there is.
  mutating func flush() throws {
    guard !batch.steps.isEmpty else { return }
    let full = batch
    batch = Batch()
    try writer.write(full)
  }

  private mutating func flushIfFull() throws {
    if batch.bytes.count >= Batch.size || batch.steps.count >= Batch.stepLimit { try flush() }
  }
}

/// Some records and their data.
struct Batch: Sendable {
  enum Step: Sendable {
    case create(Entry, [UInt8])
    case data(Int)
    case endData
    case forgetLinks
  }

  /// Enough to keep the threads apart, little enough to stay in the processor's cache.
  static let size = 256 << 10
  static let stepLimit = 1024

  var steps: [Step] = []
  var bytes: [UInt8] = []

  init() { bytes.reserveCapacity(2 * Batch.size) }
}

/// Makes files, batch after batch, on a thread of its own.
final class TreeWriter: Sendable {
  private struct State {
    var error: FileError?
    var hasFile = false
  }

  // Used on the queue alone, and behind it once that is empty.
  private nonisolated(unsafe) let unpacker: Unpacker
  private let path: FilePath
  private let queue = DispatchQueue(label: "leafroot.unpack")
  private let room = DispatchSemaphore(value: 8)
  private let state = Mutex(State())

  init(_ unpacker: Unpacker, path: FilePath) {
    self.unpacker = unpacker
    self.path = path
  }

  /// Takes a batch, as soon as few enough are waiting.
  /// - Throws: the first `FileError` of a batch before.
  func write(_ batch: Batch) throws(FileError) {
    try check()
    room.wait()
    queue.async { [self] in
      defer { room.signal() }
      guard state.withLock({ $0.error == nil }) else { return }
      attempting { () throws(Failure) in try make(batch) }
    }
  }

  /// Whether the file whose record came last could be opened.
  func hasFile() throws(FileError) -> Bool {
    wait()
    try check()
    return state.withLock { $0.hasFile }
  }

  /// Ends the tree.
  func finish() throws(FileError) {
    queue.sync { attempting { () throws(Failure) in try unpacker.finish() } }
    try check()
  }

  /// Waits until nothing is made any more.
  func wait() { queue.sync {} }

  private func check() throws(FileError) {
    if let error = state.withLock({ $0.error }) { throw error }
  }

  private func make(_ batch: Batch) throws(Failure) {
    var start = 0
    for step in batch.steps {
      switch step {
      case .create(let entry, let target):
        let hasFile = try unpacker.create(entry, target: target)
        state.withLock { $0.hasFile = hasFile }
      case .data(let count):
        let range = start..<(start + count)
        start += count
        try batch.bytes.withUnsafeBufferPointer { (bytes) throws(Failure) in
          try unpacker.write(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[range])))
        }
      case .endData: try unpacker.endData()
      case .forgetLinks: unpacker.forgetLinks()
      }
    }
  }

  private func attempting(_ body: () throws(Failure) -> Void) {
    do throws(Failure) {
      try body()
    } catch {
      let name = path.appending(String(decoding: error.name, as: UTF8.self))
      let found = FileError(name, cannot: error.act, Errno(rawValue: error.code))
      state.withLock { $0.error = $0.error ?? found }
    }
  }
}

extension Failure {
  /// What the call was made for.
  fileprivate var act: String {
    switch "\(step)" {
    case "open": "create"
    case "mkdir": "create directory"
    case "symlink": "create symbolic link"
    case "link": "create hard link"
    case "mknod": "create special file"
    case "unlink", "rmdir": "remove"
    case "ftruncate": "set size of"
    case "fchown", "fchownat": "set owner of"
    case "fchmod", "fchmodat": "set mode of"
    case "futimens", "utimensat": "set times of"
    case let step: step
    }
  }
}
