// SPDX-License-Identifier: MIT

import CLinux
import Initramfs
import Tree

/// A file of a payload, read as an image. What has been read is freed in pieces.
final class PayloadFile: ImageSource {
  typealias Failure = Tree.Failure

  let name: [CChar]
  let size: Int64
  private let descriptor: Int32
  /// The sidecar's descriptor; negative if there is none.
  private let sidecar: Int32
  private let hasSidecar: Bool
  private let frees: Bool
  /// nil if it cannot be mapped. The kernel takes the pages out of it that are freed.
  private let map: UnsafeRawBufferPointer?

  /// Everything before this offset has been read for the last time.
  private(set) var consumed: Int64 = 0
  private var freed: Int64 = 0

  /// Holes are punched in multiples of this size, in bytes.
  private static var piece: Int64 { 1 << 20 }

  /// - Parameter frees: whether to free what has been read.
  init(
    _ name: [CChar], in directory: Int32, frees: Bool
  ) throws(Failure) {
    descriptor = try attempt("open") {
      linux_openat(directory, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0)
    }
    // A sidecar that exists but cannot be opened fails when it is read.
    sidecar = linux_openat(
      directory, Payload.sidecar(of: name), O_RDONLY | O_NOFOLLOW, 0)
    hasSidecar = sidecar >= 0 || linux_errno() != ENOENT
    let status = try Status(of: descriptor)
    self.name = name
    self.frees = frees
    size = Int64(status.size)
    let start = mmap(nil, status.size, PROT_READ, MAP_SHARED, descriptor, 0)
    map =
      start == linux_map_failed()
      ? nil : UnsafeRawBufferPointer(start: start, count: status.size)
  }

  deinit {
    if let map { munmap(UnsafeMutableRawPointer(mutating: map.baseAddress), map.count) }
    closeQuietly(descriptor)
    closeQuietly(sidecar)
  }

  func mapping() -> UnsafeRawBufferPointer? { map }

  func read(
    at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(Failure) -> Int {
    try read(descriptor, at: offset, into: buffer)
  }

  func sidecar(at offset: Int64) -> Int? { hasSidecar ? 0 : nil }

  func readSidecar(
    _ number: Int, at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(Failure) -> Int {
    try read(sidecar, at: offset, into: buffer)
  }

  private func read(
    _ file: Int32, at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(Failure) -> Int {
    var count = 0
    while count < buffer.count {
      let (start, rest) = (buffer.baseAddress! + count, buffer.count - count)
      let more = try attempt("read") { pread(file, start, rest, Int(offset) + count) }
      if more == 0 { break }
      count += more
    }
    return count
  }

  func consumed(upTo offset: Int64) {
    consumed = offset
    let count = (offset - freed) / Self.piece * Self.piece
    guard frees, count > 0 else { return }
    // ramfs cannot do this; there the whole file is freed at the end.
    _ = linux_punch_hole(descriptor, Int(freed), Int(count))
    freed += count
  }
}
