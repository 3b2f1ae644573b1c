// SPDX-License-Identifier: MIT

public import BootFacts
import CLinux
public import Initramfs
import Newc
import Threads
public import Tree

import enum Leaf.Vocabulary

/// Images in a directory, in numbered files: 0000, 0001 … They are unpacked into one tree, and
/// freed as they are read.
///
/// The concatenation of the files, in order, is an initramfs with the same tree, except for what
/// their sidecars add: see `SidecarReader`.
public final class Payload {
  /// The size of all files and their sidecars, which become free, in bytes.
  public let size: Int
  /// The size of the squashfs, which stays, in bytes; nil if there is none.
  public let squashSize: Int?
  /// The number of files.
  public var count: Int { names.count }
  /// When the kernel copied the files.
  public let period: CopyPeriod

  /// The number of records applied, and of bytes of their content.
  public private(set) var entries = 0
  public private(set) var bytes: UInt64 = 0

  /// The number of xattrs that the file system did not accept.
  public var missingXattrs: Int { xattrLosses.count }
  /// The same number, with the first such xattr.
  public private(set) var xattrLosses = MissingXattrs()

  /// Where the kernel would have stopped, if `Plan.endsAtRefusal` allows that.
  public private(set) var refusal: PayloadFailure?

  private let directory: Int32
  private let names: [[CChar]]
  private let monitor = Monitor()
  private let decoders = DecoderStore()

  // Guarded by `monitor`, as are the counts.
  private var failure: PayloadFailure?

  /// How the files are unpacked.
  public struct Plan {
    /// The rules of the kernel to imitate.
    public var rules = KernelRules()
    /// The number of files made by pack; those after the first are independent of each other.
    public var members = 0
    /// The number of files that come last, for `unpackOver`.
    public var over = 0
    /// The number of threads that may work.
    public var threads = 1
    /// Tells how much memory is free as the tree grows; nil if that is not watched.
    public var memory: FreeMemory?
    /// How much of it must remain, in bytes. With less, the kernel would soon find no process to
    /// kill but PID 1, and panic.
    public var reserve = 0
    /// Whether the tree ends where the kernel would stop; otherwise that is a failure.
    public var endsAtRefusal = false

    public init() {}
  }

  /// What a file is to the others.
  fileprivate enum Role {
    /// The first file made by pack: all directories.
    case directories
    /// Another file made by pack: entries of these directories.
    case entries
    /// An image of its own.
    case image
  }

  /// Finds the files without changing anything.
  ///
  /// - Parameter directory: open for reading; remains the caller's.
  /// - Returns: nil if there are no files.
  public init?(in directory: Int32) throws(Failure) {
    var (names, size, period): ([[CChar]], Int, CopyPeriod) = ([], 0, CopyPeriod())
    var squashSize: Int?
    let squash = cName(Vocabulary.squash)
    for name in try entryNames(of: directory) {
      let status = try Status(of: name, in: directory)
      guard status.isRegular else { continue }
      period.add(status)
      if Self.isNumber(name) { names.append(name) }
      if name == squash { squashSize = status.size } else { size += status.size }
    }
    if names.isEmpty { return nil }

    self.directory = directory
    self.names = names.sorted { $0.count != $1.count ? $0.count < $1.count : isLess($0, $1) }
    self.size = size
    self.squashSize = squashSize
    self.period = period
  }

  /// Unpacks all files, except those that come last (`Plan.over`), into the directory that `root`
  /// is open on.
  public func unpack(into root: Int32, _ plan: Plan) throws(PayloadFailure) {
    (entries, bytes, failure, refusal) = (0, 0, nil, nil)
    xattrLosses = MissingXattrs()
    defer { decoders.clear() }
    let missing = missing(of: plan)
    if let missing, !plan.endsAtRefusal { throw missing }
    // Keeps the directories, as their times are set last.
    var first = Unpacker(tree(root))
    let own = names.prefix(plan.members)
    let rest = plan.over > 0 ? [] : names.dropFirst(plan.members)

    // The first file is small, and kept: until another is freed, a failure can be undone.
    try unpackInOrder(own.prefix(1), &first, plan, .directories)
    unpackInParallel(own.dropFirst(), into: root, plan)
    if failure == nil, let name = own.first { free(name) }
    try unpackInOrder(rest, &first, plan, .image)
    if refusal == nil { refusal = missing }
    try finish(&first)
  }

  /// Unpacks the files that come last over what is in the tree by now. They have the directories
  /// whose entries they change.
  public func unpackOver(into root: Int32, _ plan: Plan) throws(PayloadFailure) {
    var unpacker = Unpacker(tree(root))
    try unpackInOrder(names.dropFirst(plan.members), &unpacker, plan, .entries)
    try finish(&unpacker)
  }

  private func finish(_ unpacker: inout Unpacker<DirectoryTree>) throws(PayloadFailure) {
    do throws(UnpackFailure) {
      try unpacker.finish()
    } catch {
      throw PayloadFailure(file: [], offset: 0, cause: .unpack(error))
    }
    xattrLosses.add(unpacker.missingXattrs)
  }

  private func tree(_ root: Int32) -> DirectoryTree {
    DirectoryTree(root, isPrivileged: true)
  }

  /// The first missing file; nil if there is none. The kernel logs nothing after a truncated raw
  /// archive.
  private func missing(of plan: Plan) -> PayloadFailure? {
    Self.firstMissing(of: plan.members + plan.over, in: names.count) { bytes(of: names[$0]) }
      .map { PayloadFailure(file: $0, offset: 0, cause: .missing) }
  }

  /// Returns the name of the first of `members` members that is not among the files; nil if all
  /// are.
  ///
  /// - Parameter name: returns the name of the file at an index below `count`, in order.
  public static func firstMissing(
    of members: Int, in count: Int, name: (Int) -> [UInt8]
  ) -> [UInt8]? {
    for number in 0..<members {
      let wanted = Self.name(of: number)
      if number >= count || name(number) != wanted { return wanted }
    }
    return nil
  }

  /// The name of file `number`: at least four digits.
  public static func name(of number: Int) -> [UInt8] {
    var digits = Text()
    digits.add(number)
    return [UInt8](repeating: 0x30, count: max(0, 4 - digits.bytes.count)) + digits.bytes
  }

  private func unpackInOrder(
    _ names: ArraySlice<[CChar]>, _ unpacker: inout Unpacker<DirectoryTree>, _ plan: Plan,
    _ role: Role
  ) throws(PayloadFailure) {
    for name in names where failure == nil && refusal == nil {
      unpack(name, &unpacker, plan, role)
    }
    if let failure { throw failure }
  }

  private func unpackInParallel(_ names: ArraySlice<[CChar]>, into root: Int32, _ plan: Plan) {
    let crew = Crew<MemberJob>(size: min(plan.threads, names.count))
    for name in names { crew.add(MemberJob(payload: self, name: name, root: root, plan: plan)) }
    crew.finish()
    crew.dismiss()
  }

  /// Unpacks a file that does not depend on others.
  fileprivate func unpackAlone(_ name: [CChar], into root: Int32, _ plan: Plan) {
    if monitor.withLock({ failure != nil }) { return }
    var unpacker = Unpacker(tree(root))
    unpack(name, &unpacker, plan, .entries)
    do throws(UnpackFailure) {
      try unpacker.finish()
    } catch {
      note(PayloadFailure(file: bytes(of: name), offset: 0, cause: .unpack(error)))
    }
    let missing = unpacker.missingXattrs
    monitor.withLock { xattrLosses.add(missing) }
  }

  /// Unpacks one file, and notes any failure.
  private func unpack(
    _ name: [CChar], _ unpacker: inout Unpacker<DirectoryTree>, _ plan: Plan, _ role: Role
  ) {
    let frees = role != .directories
    var file: PayloadFile?
    do throws(DirectoryUnpacker.Failure<Failure>) {
      let opened = try open(name, plan, frees: frees)
      file = opened
      try read(
        ImageReader(opened, plan.rules, decoders), name, &unpacker, plan,
        needsDirectories: role != .image && !plan.endsAtRefusal)
      // After a failure, everything that is there is kept.
      if frees, monitor.withLock({ failure == nil }) { free(name) }
    } catch {
      unpacker.abandon()
      let cause: PayloadFailure.Cause
      switch error {
      case .source(let failure):
        cause = failure.code == ENOMEM ? .memory : .call(failure)
      case .tree(let failure): cause = .unpack(failure)
      }
      note(PayloadFailure(file: bytes(of: name), offset: file?.consumed ?? 0, cause: cause))
    }
  }

  private func open(
    _ name: [CChar], _ plan: Plan, frees: Bool
  ) throws(DirectoryUnpacker.Failure<Failure>) -> PayloadFile {
    do throws(Failure) {
      return try PayloadFile(name, in: directory, frees: frees)
    } catch {
      throw .source(error)
    }
  }

  /// Applies everything in the image.
  ///
  /// - Parameter needsDirectories: whether an entry without its directory is a failure. Only damage
  ///   can cause it in what pack has made; the kernel would lose the entry, and go on.
  private func read(
    _ reader: ImageReader<PayloadFile>, _ name: [CChar],
    _ unpacker: inout Unpacker<DirectoryTree>, _ plan: Plan, needsDirectories: Bool
  ) throws(DirectoryUnpacker.Failure<Failure>) {
    var (entries, bytes) = (0, UInt64(0))
    var watch = MemoryWatch(plan.memory, reserve: plan.reserve)
    while let event = try next(of: reader) {
      guard watch.hasRoom(for: event) else { throw .source(Failure("sysinfo", ENOMEM)) }
      do throws(UnpackFailure) {
        switch event {
        case .entry(let record):
          entries += 1
          let outcome = try unpacker.apply(
            record.entry, target: record.target, extra: record.extra)
          if needsDirectories, case .lost(let loss) = outcome, loss.isPathMissing {
            throw UnpackFailure(step: loss.step, code: loss.code, name: record.entry.name)
          }
          guard record.entry.type == .regular else { break }
          // The kernel does not check the sum of a file that it cannot make.
          if unpacker.isFileOpen { bytes += record.entry.size } else { reader.passOver() }
        case .data(let data): try unpacker.write(data)
        case .dataEnds: try unpacker.endData()
        case .trailer: unpacker.forgetLinks()
        case .skipped, .memberBegins, .memberEnds: break
        }
      } catch {
        throw .tree(error)
      }
    }
    count(entries, bytes)

    if let fault = reader.summary.sidecarFault {
      return note(
        PayloadFailure(
          file: self.bytes(of: Self.sidecar(of: name)), offset: 0, cause: .sidecar(fault)))
    }
    guard let refused = reader.summary.refusal else { return }
    let isOutOfMemory = refused.isOutOfMemory
    let failure = PayloadFailure(
      file: self.bytes(of: name), offset: refused.offset,
      cause: isOutOfMemory ? .memory : .refused(refused))
    if plan.endsAtRefusal, !isOutOfMemory {
      monitor.withLock { refusal = failure }
    } else {
      note(failure)
    }
  }

  private func next(
    of reader: ImageReader<PayloadFile>
  ) throws(DirectoryUnpacker.Failure<Failure>) -> ImageEvent? {
    do throws(Failure) { return try reader.next() } catch { throw .source(error) }
  }

  private func count(_ entries: Int, _ bytes: UInt64) {
    monitor.withLock {
      self.entries += entries
      self.bytes += bytes
    }
  }

  private func note(_ failure: PayloadFailure) {
    monitor.withLock { if self.failure == nil { self.failure = failure } }
  }

  private func free(_ name: [CChar]) {
    _ = unlinkat(directory, name, 0)
    _ = unlinkat(directory, Self.sidecar(of: name), 0)
  }

  private func bytes(of name: [CChar]) -> [UInt8] {
    name.dropLast().map { UInt8(bitPattern: $0) }
  }

  /// The name of the sidecar of file `name`.
  static func sidecar(of name: [CChar]) -> [CChar] {
    Sidecar.suffix.withUTF8Buffer { name.dropLast() + $0.map { CChar(bitPattern: $0) } + [0] }
  }

  /// Whether a name is a number of at least four digits.
  private static func isNumber(_ name: [CChar]) -> Bool {
    name.count > 4 && name.dropLast().allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
  }
}

/// One independent file of a payload.
private struct MemberJob: Job {
  let payload: Payload
  let name: [CChar]
  let root: Int32
  let plan: Payload.Plan

  func perform() { payload.unpackAlone(name, into: root, plan) }
}

private func isLess(_ one: [CChar], _ other: [CChar]) -> Bool {
  for (a, b) in zip(one, other) where a != b { return a < b }
  return false
}

/// Checks free memory as the tree grows.
private struct MemoryWatch {
  private let memory: FreeMemory?
  private let reserve: Int
  private var growth = 0

  /// How much the tree may grow between two checks, in bytes.
  private static var step: Int { 256 << 10 }
  /// What a file takes besides its content, including its last page, in bytes.
  private let entry = FreeMemory.pageSize + (4 << 10)

  init(_ memory: FreeMemory?, reserve: Int) {
    self.memory = memory
    self.reserve = reserve
  }

  /// Whether the reserve is still free, as far as is known.
  mutating func hasRoom(for event: ImageEvent) -> Bool {
    switch event {
    case .entry: growth += entry
    case .data(let data): growth += data.count
    default: return true
    }
    if growth < Self.step { return true }
    growth = 0
    return memory.map { $0.usable(wanting: reserve) >= reserve } ?? true
  }
}
