// SPDX-License-Identifier: MIT

import Compression
import Files
public import Images
import Initramfs
import Newc
public import SystemPackage

/// The tree that the kernel makes of an image, ready to be written again.
///
/// Archives of early microcode at the front of the image are not part of it: lib/earlycpio.c finds
/// them only there.
public struct ImageTree: TreeSource {
  public private(set) var files: [TreeFile] = []
  public let front: [UInt8]
  public let permissions: FilePermissions

  private let image: Image
  /// The files by the number of the record that has their content.
  private var owners: [Int: Int] = [:]

  /// Reads `image`.
  ///
  /// - Parameter progress: Called with the offset up to which the image has been read, and its
  ///   size.
  /// - Throws: ``FileError``, also if the kernel would not unpack the whole image.
  public init(
    _ image: Image, progress: @escaping (Int64, Int64) -> Void = { _, _ in }
  ) throws {
    self.image = image
    permissions = image.permissions
    let reader = ImageReader(ImageSequence(image.parts, onRead: progress))
    let frontSize = try Self.findFront(reader)
    reader.rewind()

    let unpacker = try InspectionLimit.naming(image.name) {
      try Self.unpack(reader, behind: frontSize)
    }
    if let damage = try reader.summary.damage(image.name) { throw damage }
    front = try image.parts.bytes(at: 0, count: Int(frontSize))
    collect(unpacker.files)
  }

  /// Makes the tree of everything after the front.
  private static func unpack<Source: ImageSource & ~Copyable>(
    _ reader: ImageReader<Source>, behind frontSize: Int64
  ) throws -> Unpacker<MemoryTree> {
    var unpacker = Unpacker(MemoryTree.builtIn())
    var offset: Int64 = 0
    while let event = try reader.next() {
      switch event {
      case .memberBegins(let member): offset = member.offset
      case .entry where offset < frontSize:
        unpacker.files.record += 1
        reader.passOver()
      case .entry(let record):
        if try unpacker.apply(record).hasData { reader.skipData() } else { reader.passOver() }
      case .trailer: unpacker.forgetLinks()
      default: break
      }
    }
    try unpacker.end()
    return unpacker
  }

  public func readContents(
    of isWanted: (Int) -> Bool, progress: @escaping (Int64, Int64) -> Void,
    begin: (Int) throws -> Void, data: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let reader = ImageReader(ImageSequence(image.parts, onRead: progress))
    var count = 0
    var isRead = false
    while let event = try reader.next() {
      switch event {
      case .entry:
        count += 1
        let index = owners[count].flatMap { isWanted($0) ? $0 : nil }
        isRead = index != nil
        if let index { try begin(index) } else { reader.passOver() }
      case .data(let bytes): if isRead { try data(bytes) }
      default: break
      }
    }
    if let damage = try reader.summary.damage(image.name) { throw damage }
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
        // The previous archive was empty, or contained only its root directory.
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
    // Only microcode: that is the tree.
    return 0
  }

  /// The first component of a name. Microcode and ACPI tables are in the directory `kernel`
  /// (lib/earlycpio.c, arch/x86/kernel/cpu/microcode, drivers/acpi/tables.c).
  private static func firstComponent(of name: [UInt8]) -> ArraySlice<UInt8>? {
    name.split(separator: UInt8(ascii: "/")).first { !$0.elementsEqual(".".utf8) }
  }

  // MARK: The tree

  private mutating func collect(_ tree: MemoryTree) {
    var records: [[UInt8]: Int] = [:]
    for (index, names) in tree.paths() {
      let node = tree.nodes[index]
      // The kernel's own files, untouched by the image.
      if index <= 3, node.modificationTime == nil { continue }
      let entry = Entry(
        name: names[0], mode: node.mode, userID: node.userID, groupID: node.groupID,
        specialDevice: node.device, size: node.type == .regular ? node.size : 0)
      files.append(
        TreeFile(
          names: names, entry: entry, target: node.target,
          seconds: Int64(node.modificationTime ?? 0)))
      if node.type == .regular, node.size > 0 { records[names[0]] = node.dataRecord }
    }
    files.sortByName()
    for (index, file) in files.enumerated() {
      if let record = records[file.names[0]] { owners[record] = index }
    }
  }
}
