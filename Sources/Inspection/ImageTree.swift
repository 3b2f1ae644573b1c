// SPDX-License-Identifier: MIT

import Compression
import Files
public import Initramfs
public import Newc
public import SystemPackage

/// The tree that the kernel makes of an image, ready to be written again.
///
/// Archives of early microcode at the image's front are no part of it: lib/earlycpio.c finds them
/// only there.
public struct ImageTree: Sendable {
  /// A file of the tree.
  public struct File: Sendable {
    /// Its metadata, under its first name; the content's size.
    public var entry: Entry
    /// All its names, sorted.
    public var names: [[UInt8]]
    /// Where a symbolic link leads.
    public var target: [UInt8]
    /// The record that has the content.
    fileprivate var record: Int?
  }

  /// All files, by their first names: a directory comes before what is in it.
  public private(set) var files: [File] = []
  /// Bytes of the image before the tree: archives of microcode, and padding.
  public private(set) var front: Int64 = 0

  private let path: FilePath

  /// Reads the image at `path`.
  /// - Throws: ``FileError`` if the kernel would not unpack all of it; why it cannot be read;
  ///   ``Excess``.
  public init<Source: ImageSource & ~Copyable>(
    _ source: consuming Source, at path: FilePath, _ rules: KernelRules = KernelRules()
  ) throws {
    self.path = path
    let reader = ImageReader(source, rules)
    front = try Self.findFront(reader)
    reader.rewind()

    var unpacker = Unpacker(MemoryTree.builtIn())
    var offset: Int64 = 0
    while let event = try reader.next() {
      switch event {
      case .memberBegins(let member): offset = member.offset
      case .entry where offset < front:
        unpacker.files.record += 1
        reader.passOver()
      case .entry(let record):
        if try unpacker.apply(record).hasData { reader.skipData() } else { reader.passOver() }
      case .trailer: unpacker.forgetLinks()
      default: break
      }
    }
    if let damage = reader.reading.damage(path) { throw damage }
    try unpacker.end()
    collect(unpacker.files)
  }

  /// Hands out the contents of the regular files, in the order of the image.
  ///
  /// - Parameters:
  ///   - begin: is called with the index of a file, before its data.
  ///   - data: is called with the next bytes of that file.
  public func readContents<Source: ImageSource & ~Copyable>(
    _ source: consuming Source, _ rules: KernelRules = KernelRules(),
    begin: (Int) throws -> Void, data: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    var owners: [Int: Int] = [:]
    for (index, file) in files.enumerated() {
      if let record = file.record { owners[record] = index }
    }
    let reader = ImageReader(source, rules)
    var count = 0
    while let event = try reader.next() {
      switch event {
      case .entry:
        count += 1
        if let index = owners[count] { try begin(index) } else { reader.passOver() }
      case .data(let bytes): if owners[count] != nil { try data(bytes) }
      default: break
      }
    }
    if let damage = reader.reading.damage(path) { throw damage }
  }

  // MARK: The front

  private static func findFront<Source: ImageSource & ~Copyable>(
    _ reader: ImageReader<Source>
  ) throws -> Int64 {
    var front: Int64 = 0
    var isEarly = true
    while let event = try reader.next() {
      switch event {
      case .memberBegins(let member):
        // The one before had nothing, or its root directory alone.
        if !isEarly { return front }
        front = member.offset
        if member.codec != .raw { return front }
        isEarly = false
      case .entry(let record):
        guard let first = firstComponent(of: record.entry.name) else { break }
        guard first.elementsEqual("kernel".utf8) else { return front }
        isEarly = true
        reader.skipData()
      default: break
      }
    }
    // Nothing but microcode: that is the tree.
    return 0
  }

  /// lib/earlycpio.c, arch/x86/kernel/cpu/microcode, drivers/acpi/tables.c: what they look for is
  /// in the directory `kernel`.
  private static func firstComponent(of name: [UInt8]) -> ArraySlice<UInt8>? {
    name.split(separator: UInt8(ascii: "/")).first { !$0.elementsEqual(".".utf8) }
  }

  // MARK: The tree

  private mutating func collect(_ tree: MemoryTree) {
    for (index, names) in tree.paths() {
      let node = tree.nodes[index]
      // The kernel's own, which the image has not touched.
      if index <= 3, node.modificationTime == nil { continue }
      let entry = Entry(
        name: names[0].isEmpty ? Array(".".utf8) : names[0], mode: node.mode, userID: node.userID,
        groupID: node.groupID, linkCount: UInt32(names.count),
        modificationTime: node.modificationTime ?? 0, specialDevice: node.device,
        size: node.type == .regular ? node.size : 0)
      files.append(
        File(
          entry: entry, names: names, target: node.target,
          record: node.type == .regular && node.size > 0 ? node.dataRecord : nil))
    }
    files.sort { $0.names[0].lexicographicallyPrecedes($1.names[0]) }
  }
}
