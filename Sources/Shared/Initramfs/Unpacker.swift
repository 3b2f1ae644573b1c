// SPDX-License-Identifier: MIT

public import Newc

/// Makes a tree from the records of an initramfs, as the kernel does: init/initramfs.c, `do_name`,
/// `do_symlink`, `do_copy`.
///
/// Entries that the kernel loses silently (because their directory does not exist) are lost here
/// too, and reported. A failure that is not the archive's fault, such as a full file system, ends
/// the unpacking.
public struct Unpacker<Files: FileSystem> {
  public var files: Files
  private let memoryLimit: Int
  private var links = LinkTable()
  /// Directories with what they get at the end: entries would inherit a default access control
  /// list, and each entry changes the times.
  private var directories: [(name: [UInt8], time: Int64, xattrs: [Xattr])] = []
  /// The approximate bytes kept until the end, and those kept until the next trailer.
  private var kept = 0
  private var keptLinks = 0
  private var file: OpenFile?
  /// The last symbolic link: the next record may be another name of it.
  private var lastLink: [UInt8] = []

  /// xattrs that could not be set, which does not end the unpacking.
  public private(set) var missingXattrs = MissingXattrs()

  /// - Parameter memoryLimit: how many bytes may be kept about directories and hard links, as a
  ///   small image can have any number of records. Beyond it, ``apply(_:target:extra:)`` throws
  ///   ENOMEM.
  public init(_ files: Files, memoryLimit: Int = 256 << 20) {
    self.files = files
    self.memoryLimit = memoryLimit
  }

  /// Whether the last record opened a regular file, so that ``write(_:)`` and ``endData()`` may
  /// follow. Otherwise the kernel skips its data without verifying the sum.
  public var isFileOpen: Bool { file != nil }

  /// `do_name`, `do_symlink`: makes one entry.
  ///
  /// - Parameter extra: what a payload says about it beyond newc; unknown to the kernel.
  public mutating func apply(
    _ entry: Entry, target: [UInt8] = [], extra: Extra? = nil
  ) throws(UnpackFailure) -> Outcome {
    try closeFile()
    switch entry.type {
    case .regular: return try makeFile(entry, extra)
    case .directory: return try makeDirectory(entry, extra)
    case .symbolicLink: return try makeSymbolicLink(entry, target, extra)
    case .characterDevice, .blockDevice, .fifo, .socket: return try makeNode(entry, extra)
    case nil:
      _ = try clean(entry, keeping: entry.mode)
      return .lost(Loss(step: .type, code: 0))
    }
  }

  /// `do_copy`: writes the next bytes of the file that was opened last.
  public mutating func write(_ bytes: UnsafeRawBufferPointer) throws(UnpackFailure) {
    guard var open = file else { return }
    var start = 0
    while start < bytes.count, open.next.count > 0 {
      let end = start + Int(min(UInt64(bytes.count - start), open.next.count))
      let part = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      let count = try Self.number(
        files.write(open.number, part, at: open.next.offset), .write, open.entry)
      open.advance(UInt64(count))
      start += count
    }
    file = open
  }

  /// Ends the file that was opened last, after all of its data.
  public mutating func endData() throws(UnpackFailure) {
    guard let open = file else { return }
    file = nil
    // After the data, as a write removes security.capability.
    for xattr in open.extra?.xattrs ?? [] {
      missingXattrs.note(files.setxattr(open.number, xattr), open.entry.name, xattr)
    }
    let result = files.utime(open.number, open.entry.time(open.extra))
    files.close(open.number)
    _ = try Self.number(result, .utime, open.entry)
  }

  /// `free_hash`: forgets which names were hard links, at the archive's trailer.
  public mutating func forgetLinks() {
    links.removeAll()
    keptLinks = 0
  }

  /// `dir_utime`: ends the tree. If the image ended, or was refused, inside a file, the file still
  /// has its full size.
  public mutating func finish() throws(UnpackFailure) {
    try closeFile()
    // The kernel's list is last in, first out: of two records for one directory, the first counts.
    while let directory = directories.popLast() {
      setXattrs(directory.xattrs, directory.name)
      try Self.pass(files.utime(directory.name, directory.time), .utime, directory.name)
    }
  }

  /// Closes the file that was opened last, as it is. Nothing more is made.
  public mutating func abandon() {
    if let open = file { files.close(open.number) }
    file = nil
  }

  // MARK: The types

  private mutating func makeFile(_ entry: Entry, _ extra: Extra?) throws(UnpackFailure) -> Outcome {
    var number = entry.linkCount < 2 ? files.create(entry) : -Int(ErrorNumber.exists)
    let isNew = number >= 0
    var outcome = Outcome.made
    if !isNew {
      try Self.pass(number, .open, entry.name)
      let there = try clean(entry, keeping: entry.mode)
      let link = try linkMaybe(entry)
      if case .lost = link { return link! }
      number = files.open(entry.name, truncating: link == nil)
      guard number >= 0 else { return try Self.lose(number, .open, entry) }
      outcome = link ?? there.outcome
    }

    file = OpenFile(number: number, entry, extra)
    if !isNew {
      try Self.pass(files.chown(number, entry.userID, entry.groupID), .chown, entry.name)
      try Self.pass(files.chmod(number, entry.mode), .chmod, entry.name)
    }
    let size = extra?.sparse?.size ?? entry.size
    if size > 0 { try Self.pass(files.truncate(number, to: size), .truncate, entry.name) }
    return outcome
  }

  private mutating func makeDirectory(
    _ entry: Entry, _ extra: Extra?
  ) throws(UnpackFailure) -> Outcome {
    var there = There()
    var result = files.createDirectory(entry)
    if result < 0 {
      try Self.pass(result, .mkdir, entry.name)
      there = try clean(entry, keeping: entry.mode)
      result = files.mkdir(entry.name, entry.mode)
      try Self.pass(files.chown(entry.name, entry.userID, entry.groupID), .chown, entry.name)
      try Self.pass(files.chmod(entry.name, entry.mode), .chmod, entry.name)
    }
    kept += entry.name.count + 64
    try refuseIfTooMuch(entry)
    let outcome = try Self.outcome(of: result, .mkdir, entry, there)
    let xattrs = outcome.isLoss ? [] : extra?.xattrs ?? []
    directories.append((entry.name, entry.time(extra), xattrs))
    return outcome
  }

  private mutating func makeNode(
    _ entry: Entry, _ extra: Extra?
  ) throws(UnpackFailure) -> Outcome {
    let there = try clean(entry, keeping: entry.mode)
    if let link = try linkMaybe(entry) { return link }

    let result = files.mknod(entry.name, entry.mode, entry.specialDevice)
    // If one of the same type exists, it keeps its number, and the record sets the rest. The same
    // holds for anything else that could not be removed.
    try Self.pass(files.chown(entry.name, entry.userID, entry.groupID), .chown, entry.name)
    try Self.pass(files.chmod(entry.name, entry.mode), .chmod, entry.name)
    let outcome = try Self.outcome(of: result, .mknod, entry, there)
    if !outcome.isLoss { setXattrs(extra?.xattrs ?? [], entry.name) }
    try Self.pass(files.utime(entry.name, entry.time(extra)), .utime, entry.name)
    return outcome
  }

  /// `do_symlink`: first removes whatever has the name.
  private mutating func makeSymbolicLink(
    _ entry: Entry, _ target: [UInt8], _ extra: Extra?
  ) throws(UnpackFailure) -> Outcome {
    let there = try clean(entry, keeping: 0)
    if extra?.isLink == true {
      let result = files.link(lastLink, entry.name)
      return result < 0 ? try Self.lose(result, .link, entry) : .linked
    }
    lastLink = entry.name
    let result = files.symlink(target, entry.name)
    try Self.pass(files.chown(entry.name, entry.userID, entry.groupID), .chown, entry.name)
    if result >= 0 { setXattrs(extra?.xattrs ?? [], entry.name) }
    try Self.pass(files.utime(entry.name, entry.time(extra)), .utime, entry.name)
    guard result >= 0 else { return try Self.lose(result, .symlink, entry) }
    return there.removed == .symbolicLink ? .rewritten : there.outcome
  }

  /// `maybe_link`: links the name to an earlier one of the same file, if there is one.
  private mutating func linkMaybe(_ entry: Entry) throws(UnpackFailure) -> Outcome? {
    guard entry.linkCount > 1 else { return nil }
    guard let first = links.first(entry) else {
      keptLinks += entry.name.count + 64
      try refuseIfTooMuch(entry)
      return nil
    }
    _ = try clean(entry, keeping: 0)
    let result = files.link(first, entry.name)
    return result < 0 ? try Self.lose(result, .link, entry) : .linked
  }

  private mutating func setXattrs(_ xattrs: [Xattr], _ name: [UInt8]) {
    for xattr in xattrs { missingXattrs.note(files.setxattr(name, xattr), name, xattr) }
  }

  // MARK: What is there

  /// `clean_path`: removes what has the name but another type than `mode` (0: any type).
  private mutating func clean(
    _ entry: Entry, keeping mode: UInt32
  ) throws(UnpackFailure) -> There {
    let found = files.lstat(entry.name)
    guard found >= 0 else {
      try Self.pass(found, .stat, entry.name)
      return There()
    }
    let type = Entry.FileType(rawValue: UInt32(found) & FileMode.type)
    guard (UInt32(found) ^ mode) & FileMode.type != 0 else { return There(type: type) }

    let result =
      type == .directory ? files.rmdir(entry.name) : files.unlink(entry.name)
    try Self.pass(result, .remove, entry.name)
    return result < 0 ? There(type: type) : There(removed: type)
  }

  /// The outcome of a call that makes an entry, where one of the same type may exist.
  private static func outcome(
    of result: Int, _ step: UnpackStep, _ entry: Entry, _ there: There
  ) throws(UnpackFailure) -> Outcome {
    let isThere = result == -Int(ErrorNumber.exists) && there.type == entry.type
    return result >= 0 || isThere ? there.outcome : try Self.lose(result, step, entry)
  }

  private func refuseIfTooMuch(_ entry: Entry) throws(UnpackFailure) {
    if kept + keptLinks > memoryLimit {
      throw UnpackFailure(step: .memory, code: ErrorNumber.noMemory, name: entry.name)
    }
  }

  private mutating func closeFile() throws(UnpackFailure) {
    guard let open = file else { return }
    if open.left == 0 { return try endData() }
    file = nil
    files.close(open.number)
  }

  // MARK: Results

  // Static, as a method would keep `self` while its argument changes the files, and files in memory
  // would be copied.

  private static func number(
    _ result: Int, _ step: UnpackStep, _ entry: Entry
  ) throws(UnpackFailure) -> Int {
    if result < 0 { throw UnpackFailure(step: step, code: Int32(-result), name: entry.name) }
    return result
  }

  /// Ignores ordinary failures, as the kernel ignores whether these calls succeed.
  private static func pass(_ result: Int, _ step: UnpackStep, _ name: [UInt8]) throws(UnpackFailure)
  {
    if result < 0, !ErrorNumber.isOrdinary(Int32(-result)) {
      throw UnpackFailure(step: step, code: Int32(-result), name: name)
    }
  }

  private static func lose(
    _ result: Int, _ step: UnpackStep, _ entry: Entry
  ) throws(UnpackFailure) -> Outcome {
    try Self.pass(result, step, entry.name)
    return .lost(Loss(step: step, code: Int32(-result)))
  }
}

/// A regular file that is receiving its data.
private struct OpenFile {
  var number: Int
  var entry: Entry
  var extra: Extra?
  var left: UInt64
  /// Where the next byte belongs, and how many bytes are contiguous from there.
  private(set) var next: Extent
  private var later: ArraySlice<Extent>

  init(number: Int, _ entry: Entry, _ extra: Extra?) {
    self.number = number
    self.entry = entry
    self.extra = extra
    left = entry.size
    later = extra?.sparse?.extents[...] ?? []
    next = later.popFirst() ?? Extent(offset: 0, count: entry.size)
  }

  mutating func advance(_ count: UInt64) {
    left -= min(left, count)
    next.offset += count
    next.count -= count
    if next.count == 0, let following = later.popFirst() { next = following }
  }
}

extension Entry {
  /// Its modification time, which newc may be unable to hold.
  fileprivate func time(_ extra: Extra?) -> Int64 { extra?.time ?? Int64(modificationTime) }
}

/// What already has an entry's name.
private struct There {
  var type: Entry.FileType?
  var removed: Entry.FileType?

  var outcome: Outcome {
    if let removed { return .replaced(removed) }
    return type == nil ? .made : .rewritten
  }
}
