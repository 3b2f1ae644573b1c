// SPDX-License-Identifier: MIT

public import Newc

/// Makes a tree from the records of an initramfs, as the kernel does: init/initramfs.c, `do_name`,
/// `do_symlink`, `do_copy`.
///
/// What the kernel does not look at (an entry whose directory is not there) is lost here too, and
/// told. What is no fault of the archive, as a full file system, ends the unpacking.
public struct Unpacker<Files: FileSystem> {
  public var files: Files
  private let memoryLimit: Int
  private var links = LinkTable()
  /// Directories with the times they get at the end.
  private var directories: [(name: [UInt8], time: UInt32)] = []
  /// Bytes, more or less, that are kept until the end, and those until the next trailer.
  private var kept = 0
  private var keptLinks = 0
  private var file: OpenFile?

  /// - Parameter memoryLimit: how much may be kept of directories and hard links; a small image can
  ///   have any number of records. Above it there is ENOMEM.
  public init(_ files: Files, memoryLimit: Int = 256 << 20) {
    self.files = files
    self.memoryLimit = memoryLimit
  }

  /// A regular file was opened by the last record: ``write(_:)`` and ``endData()`` may follow.
  /// Otherwise the kernel passes over its data, and does not verify its sum.
  public var isFileOpen: Bool { file != nil }

  /// `do_name`, `do_symlink`: makes one entry.
  public mutating func apply(
    _ entry: Entry, target: [UInt8] = []
  ) throws(UnpackFailure) -> Outcome {
    try closeFile()
    switch entry.type {
    case .regular: return try makeFile(entry)
    case .directory: return try makeDirectory(entry)
    case .symbolicLink: return try makeSymbolicLink(entry, target)
    case .characterDevice, .blockDevice, .fifo, .socket: return try makeNode(entry)
    case nil:
      _ = try clean(entry, keeping: entry.mode)
      return .lost(Loss(step: .type, code: 0))
    }
  }

  /// `do_copy`: writes the next bytes of the file that was opened last.
  public mutating func write(_ bytes: UnsafeRawBufferPointer) throws(UnpackFailure) {
    guard let open = file else { return }
    var start = 0
    while start < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
      start += try number(files.write(open.number, rest), .write, open.entry)
    }
    file?.left = open.left - min(open.left, UInt64(bytes.count))
  }

  /// Ends the file that was opened last: all of its data has come.
  public mutating func endData() throws(UnpackFailure) {
    guard let open = file else { return }
    file = nil
    let result = files.utime(open.number, open.entry.modificationTime)
    files.close(open.number)
    _ = try number(result, .utime, open.entry)
  }

  /// `free_hash`: forgets which names were hard links, at the archive's trailer.
  public mutating func forgetLinks() {
    links.removeAll()
    keptLinks = 0
  }

  /// `dir_utime`: ends the tree. The image may end, or be refused, inside a file: that has its size
  /// all the same.
  public mutating func finish() throws(UnpackFailure) {
    try closeFile()
    // The kernel's list is last in, first out: of two records for one directory, the first counts.
    while let directory = directories.popLast() {
      try pass(files.utime(directory.name, directory.time), .utime, directory.name)
    }
  }

  /// Closes the file that was opened last, as it is: nothing else is made any more.
  public mutating func abandon() {
    if let open = file { files.close(open.number) }
    file = nil
  }

  // MARK: The types

  private mutating func makeFile(_ entry: Entry) throws(UnpackFailure) -> Outcome {
    let there = try clean(entry, keeping: entry.mode)
    let link = try linkMaybe(entry)
    if case .lost = link { return link! }

    let opened = files.open(entry.name, truncating: link == nil)
    guard opened >= 0 else { return try lose(opened, .open, entry) }
    file = OpenFile(number: opened, entry: entry, left: entry.size)
    try pass(files.chown(opened, entry.userID, entry.groupID), .chown, entry.name)
    try pass(files.chmod(opened, entry.mode), .chmod, entry.name)
    if entry.size > 0 {
      try pass(files.truncate(opened, to: entry.size), .truncate, entry.name)
    }
    return link ?? there.outcome
  }

  private mutating func makeDirectory(_ entry: Entry) throws(UnpackFailure) -> Outcome {
    let there = try clean(entry, keeping: entry.mode)
    let result = files.mkdir(entry.name, entry.mode)
    try pass(files.chown(entry.name, entry.userID, entry.groupID), .chown, entry.name)
    try pass(files.chmod(entry.name, entry.mode), .chmod, entry.name)
    kept += entry.name.count + 64
    try refuseIfTooMuch(entry)
    directories.append((entry.name, entry.modificationTime))
    return try outcome(of: result, .mkdir, entry, there)
  }

  private mutating func makeNode(_ entry: Entry) throws(UnpackFailure) -> Outcome {
    let there = try clean(entry, keeping: entry.mode)
    if let link = try linkMaybe(entry) { return link }

    let result = files.mknod(entry.name, entry.mode, entry.specialDevice)
    // One of the same type is there: its number stays, the record gives it the rest. So does
    // something else that could not be removed get it.
    try pass(files.chown(entry.name, entry.userID, entry.groupID), .chown, entry.name)
    try pass(files.chmod(entry.name, entry.mode), .chmod, entry.name)
    try pass(files.utime(entry.name, entry.modificationTime), .utime, entry.name)
    return try outcome(of: result, .mknod, entry, there)
  }

  /// `do_symlink`: whatever has the name is removed first.
  private mutating func makeSymbolicLink(
    _ entry: Entry, _ target: [UInt8]
  ) throws(UnpackFailure) -> Outcome {
    let there = try clean(entry, keeping: 0)
    let result = files.symlink(target, entry.name)
    try pass(files.chown(entry.name, entry.userID, entry.groupID), .chown, entry.name)
    try pass(files.utime(entry.name, entry.modificationTime), .utime, entry.name)
    guard result >= 0 else { return try lose(result, .symlink, entry) }
    return there.removed == .symbolicLink ? .rewritten : there.outcome
  }

  /// `maybe_link`: makes the name another one of a file that has come, if it is.
  private mutating func linkMaybe(_ entry: Entry) throws(UnpackFailure) -> Outcome? {
    guard entry.linkCount > 1 else { return nil }
    guard let first = links.first(entry) else {
      keptLinks += entry.name.count + 64
      try refuseIfTooMuch(entry)
      return nil
    }
    _ = try clean(entry, keeping: 0)
    let result = files.link(first, entry.name)
    return result < 0 ? try lose(result, .link, entry) : .linked
  }

  // MARK: What is there

  /// `clean_path`: removes what has the name and another type than `mode` (0: any).
  private mutating func clean(
    _ entry: Entry, keeping mode: UInt32
  ) throws(UnpackFailure) -> There {
    let found = files.lstat(entry.name)
    guard found >= 0 else {
      try pass(found, .stat, entry.name)
      return There()
    }
    let type = Entry.FileType(rawValue: UInt32(found) & FileMode.type)
    guard (UInt32(found) ^ mode) & FileMode.type != 0 else { return There(type: type) }

    let result =
      type == .directory ? files.rmdir(entry.name) : files.unlink(entry.name)
    try pass(result, .remove, entry.name)
    return result < 0 ? There(type: type) : There(removed: type)
  }

  /// What a call has done that makes an entry, where one of the same type may be.
  private func outcome(
    of result: Int, _ step: UnpackStep, _ entry: Entry, _ there: There
  ) throws(UnpackFailure) -> Outcome {
    let isThere = result == -Int(ErrorNumber.exists) && there.type == entry.type
    return result >= 0 || isThere ? there.outcome : try lose(result, step, entry)
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

  private func number(
    _ result: Int, _ step: UnpackStep, _ entry: Entry
  ) throws(UnpackFailure) -> Int {
    if result < 0 { throw UnpackFailure(step: step, code: Int32(-result), name: entry.name) }
    return result
  }

  /// The kernel does not look whether these succeed.
  private func pass(_ result: Int, _ step: UnpackStep, _ name: [UInt8]) throws(UnpackFailure) {
    if result < 0, !ErrorNumber.isOrdinary(Int32(-result)) {
      throw UnpackFailure(step: step, code: Int32(-result), name: name)
    }
  }

  private func lose(
    _ result: Int, _ step: UnpackStep, _ entry: Entry
  ) throws(UnpackFailure) -> Outcome {
    try pass(result, step, entry.name)
    return .lost(Loss(step: step, code: Int32(-result)))
  }
}

/// A regular file whose data comes.
private struct OpenFile {
  var number: Int
  var entry: Entry
  var left: UInt64
}

/// What has an entry's name.
private struct There {
  var type: Entry.FileType?
  var removed: Entry.FileType?

  var outcome: Outcome {
    if let removed { return .replaced(removed) }
    return type == nil ? .made : .rewritten
  }
}
