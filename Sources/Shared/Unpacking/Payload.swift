// SPDX-License-Identifier: MIT

public import BootFacts
import CLinux
public import Initramfs
import Newc
import Threads
public import Tree

/// Images in a directory, in files that are named by numbers: 0000, 0001 … They are unpacked into
/// one tree, and freed as they are read.
///
/// `cat` of the files, in order, is an initramfs with the same tree, but for what their sidecars say:
/// see `SidecarReader`.
public final class Payload {
  /// Bytes of all files, and of their sidecars.
  public let size: Int
  /// How many there are.
  public var count: Int { names.count }
  /// When the kernel copied the files.
  public let period: CopyPeriod

  /// Records that have been applied, and bytes of their content.
  public private(set) var entries = 0
  public private(set) var bytes: UInt64 = 0

  /// xattrs that the file system did not take.
  public var missingXattrs: Int { xattrLosses.count }
  /// The same, with the first of them.
  public private(set) var xattrLosses = MissingXattrs()

  /// Where the kernel would have stopped, if that did not end the unpacking.
  public private(set) var refusal: PayloadFailure?

  private let directory: Int32
  private let names: [[CChar]]
  private let monitor = Monitor()

  // Guarded by `monitor`, as are the counts.
  private var failure: PayloadFailure?

  /// How the files are unpacked.
  public struct Plan {
    /// For which kernel.
    public var rules = KernelRules()
    /// How many of the files pack has made: those after the first are independent of each other.
    public var members = 0
    /// How many threads may work.
    public var threads = 1
    /// What the tree takes; nil if nobody looks at it.
    public var memory: FreeMemory?
    /// How much of it must remain, in bytes: with less, the kernel would soon find no process to
    /// kill but PID 1, and panic.
    public var reserve = 0
    /// Where the kernel would stop, the tree ends, as it would; otherwise that is a failure.
    public var endsAtRefusal = false

    public init() {}
  }

  /// Finds the files, and changes nothing.
  ///
  /// - Parameter directory: open for reading; it stays the caller's.
  /// - Returns: nil if there are no files.
  public init?(in directory: Int32) throws(Failure) {
    var (names, size, period): ([[CChar]], Int, CopyPeriod) = ([], 0, CopyPeriod())
    for name in try entryNames(of: directory) {
      let status = try Status(of: name, in: directory)
      guard status.isRegular else { continue }
      period.add(status)
      if Self.isNumber(name) { names.append(name) }
      size += status.size
    }
    if names.isEmpty { return nil }

    self.directory = directory
    self.names = names.sorted { $0.count != $1.count ? $0.count < $1.count : isLess($0, $1) }
    self.size = size
    self.period = period
  }

  /// Unpacks all files into the directory that `root` is open on.
  public func unpack(into root: Int32, _ plan: Plan) throws(PayloadFailure) {
    (entries, bytes, failure, refusal) = (0, 0, nil, nil)
    xattrLosses = MissingXattrs()
    let missing = missing(of: plan)
    if let missing, !plan.endsAtRefusal { throw missing }
    // Keeps the directories, whose times come last.
    var first = Unpacker(tree(root))
    var rest = names[...]

    if plan.members > 1 {
      // It is small, and kept: until another is freed, what has gone wrong can be undone.
      try unpackInOrder(names.prefix(1), &first, plan, frees: false)
      rest = names.dropFirst(plan.members)
      unpackInParallel(names[1..<rest.startIndex], into: root, plan)
      if failure == nil { free(names[0]) }
    }
    try unpackInOrder(rest, &first, plan, frees: true)
    if refusal == nil { refusal = missing }

    do throws(UnpackFailure) {
      try first.finish()
    } catch {
      throw PayloadFailure(file: [], offset: 0, cause: .unpack(error))
    }
    xattrLosses.add(first.missingXattrs)
  }

  private func tree(_ root: Int32) -> DirectoryTree {
    DirectoryTree(root, isPrivileged: true)
  }

  /// The first file that is not there; nil if all are. Behind a raw archive that is cut short the
  /// kernel logs nothing.
  private func missing(of plan: Plan) -> PayloadFailure? {
    Self.firstMissing(of: plan.members, in: names.count) { bytes(of: names[$0]) }
      .map { PayloadFailure(file: $0, offset: 0, cause: .missing) }
  }

  /// The name of the first of so many members that is not among the files; nil if all are.
  ///
  /// - Parameter name: of the file at this place of the `count` files, in order.
  public static func firstMissing(
    of members: Int, in count: Int, name: (Int) -> [UInt8]
  ) -> [UInt8]? {
    for number in 0..<members {
      let wanted = Self.name(of: number)
      if number >= count || name(number) != wanted { return wanted }
    }
    return nil
  }

  /// The name of its file `number`: at least four digits.
  public static func name(of number: Int) -> [UInt8] {
    var digits = Text()
    digits.add(number)
    return [UInt8](repeating: 0x30, count: max(0, 4 - digits.bytes.count)) + digits.bytes
  }

  private func unpackInOrder(
    _ names: ArraySlice<[CChar]>, _ unpacker: inout Unpacker<DirectoryTree>, _ plan: Plan,
    frees: Bool
  ) throws(PayloadFailure) {
    for name in names where failure == nil && refusal == nil {
      unpack(name, &unpacker, plan, frees: frees)
    }
    if let failure { throw failure }
  }

  private func unpackInParallel(_ names: ArraySlice<[CChar]>, into root: Int32, _ plan: Plan) {
    let crew = Crew<MemberJob>(size: min(plan.threads, names.count))
    for name in names { crew.add(MemberJob(payload: self, name: name, root: root, plan: plan)) }
    crew.finish()
    crew.dismiss()
  }

  /// A file that does not depend on others.
  fileprivate func unpackAlone(_ name: [CChar], into root: Int32, _ plan: Plan) {
    if monitor.withLock({ failure != nil }) { return }
    var unpacker = Unpacker(tree(root))
    unpack(name, &unpacker, plan, frees: true)
    do throws(UnpackFailure) {
      try unpacker.finish()
    } catch {
      note(PayloadFailure(file: bytes(of: name), offset: 0, cause: .unpack(error)))
    }
    let missing = unpacker.missingXattrs
    monitor.withLock { xattrLosses.add(missing) }
  }

  /// Unpacks one file; notes what goes wrong.
  private func unpack(
    _ name: [CChar], _ unpacker: inout Unpacker<DirectoryTree>, _ plan: Plan, frees: Bool
  ) {
    var file: PayloadFile?
    do throws(DirectoryUnpacker.Failure<Failure>) {
      let opened = try open(name, plan, frees: frees)
      file = opened
      try read(ImageReader(opened, plan.rules), name, opened, &unpacker, plan)
      // After a failure all is kept that is there.
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

  /// Applies all that is in the image.
  private func read(
    _ reader: ImageReader<PayloadFile>, _ name: [CChar], _ file: PayloadFile,
    _ unpacker: inout Unpacker<DirectoryTree>, _ plan: Plan
  ) throws(DirectoryUnpacker.Failure<Failure>) {
    var (entries, bytes) = (0, UInt64(0))
    var watch = MemoryWatch(plan.memory, reserve: plan.reserve)
    while let event = try next(of: reader) {
      guard watch.hasRoom(for: event) else { throw .source(Failure("sysinfo", ENOMEM)) }
      do throws(UnpackFailure) {
        switch event {
        case .entry(let record):
          entries += 1
          _ = try unpacker.apply(record.entry, target: record.target, extra: record.extra)
          guard record.entry.type == .regular else { break }
          // Of a file that cannot be made the kernel does not look at the sum either.
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

  /// The name of the sidecar of the file of that name.
  static func sidecar(of name: [CChar]) -> [CChar] {
    Sidecar.suffix.withUTF8Buffer { name.dropLast() + $0.map { CChar(bitPattern: $0) } + [0] }
  }

  /// At least four digits.
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

/// Looks at free memory whenever the tree has grown.
private struct MemoryWatch {
  private let memory: FreeMemory?
  private let reserve: Int
  private var growth = 0

  /// How much it may grow between two looks, in bytes.
  private static var step: Int { 256 << 10 }
  /// What a file takes without its content, with its last page.
  private let entry = FreeMemory.pageSize + (4 << 10)

  init(_ memory: FreeMemory?, reserve: Int) {
    self.memory = memory
    self.reserve = reserve
  }

  /// Whether so much memory is left, as far as is known, that the reserve remains.
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
