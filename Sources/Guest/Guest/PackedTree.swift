// SPDX-License-Identifier: MIT

import BootFacts
import CLinux
import Leaf
import Tree
import Unpacking

/// The tree in a payload that the kernel has copied into rootfs without unpacking it: a directory
/// in ``Vocabulary/payload``.
struct PackedTree {
  /// What its builder recorded about it.
  let about: PayloadManifest
  let payload: Payload

  /// What of the tree stays compressed; nil if nothing does.
  let squash: Squash?

  /// The name of the directory.
  private let id: [UInt8]

  /// Finds a packed tree without changing anything.
  ///
  /// - Parameter holder: the directory ``Vocabulary/payload``, open for reading.
  /// - Returns: nil if `name` is not the directory of a payload.
  static func find(_ name: [CChar], in holder: Int32) throws(PayloadFailure) -> PackedTree? {
    let id = name.dropLast().map { UInt8(bitPattern: $0) }
    let directory: Int32
    var about: [UInt8]?
    var payload: Payload?
    do throws(Tree.Failure) {
      guard let opened = try openDirectoryIfAny(name, in: holder) else { return nil }
      directory = opened
      about = try read(Vocabulary.about, in: directory)
      payload = try Payload(in: directory)
      if about == nil, try read(Vocabulary.start, in: directory) == nil {
        close(directory)
        return nil
      }
    } catch {
      throw PayloadFailure(error).inDirectory(id)
    }
    // The kernel logs nothing after a truncated raw archive: the last file is missing, or ends in
    // zeros.
    guard let about, about.last == 0x0A else {
      throw PayloadFailure(missing: Vocabulary.about).inDirectory(id)
    }
    guard let payload else { throw PayloadFailure(missing: "0000").inDirectory(id) }
    let manifest = PayloadManifest(about)
    if !manifest.squash.isEmpty, payload.squashSize == nil {
      throw PayloadFailure(missing: Vocabulary.squash).inDirectory(id)
    }
    return PackedTree(
      about: manifest, payload: payload, squash: Squash(manifest, payload, in: directory), id: id)
  }

  /// Unpacks it into the directory that `root` is open on.
  ///
  /// - Parameter mount: mounts what stays compressed, before the files that lie over it are
  ///   unpacked.
  func unpack(
    into root: Int32, _ plan: Payload.Plan, _ mount: (Squash) throws(PackedTreeFailure) -> Void
  ) throws(PackedTreeFailure) {
    var plan = plan
    (plan.members, plan.over) = (about.members, about.over)
    try naming { () throws(PayloadFailure) in try payload.unpack(into: root, plan) }
    guard let squash else { return }
    try mount(squash)
    if plan.over > 0 {
      try naming { () throws(PayloadFailure) in try payload.unpackOver(into: root, plan) }
    }
  }

  private func naming(
    _ body: () throws(PayloadFailure) -> Void
  ) throws(PackedTreeFailure) {
    do throws(PayloadFailure) { try body() } catch {
      throw PackedTreeFailure(Text(error.inDirectory(id)))
    }
  }

  /// Where the kernel would have stopped, if the plan allows that.
  var refusal: PayloadFailure? { payload.refusal.map { $0.inDirectory(id) } }
}

/// Opens a directory; nil if there is none of this name.
func openDirectoryIfAny(_ name: [CChar], in parent: Int32) throws(Tree.Failure) -> Int32? {
  do throws(Tree.Failure) {
    return try openDirectory(name, in: parent)
  } catch {
    if error.code == ENOENT || error.code == ENOTDIR || error.code == ELOOP { return nil }
    throw error
  }
}

/// The content of a file; nil if there is none.
private func read(_ name: StaticString, in directory: Int32) throws(Tree.Failure) -> [UInt8]? {
  let file: Int32
  do throws(Tree.Failure) {
    file = try attempt("open") {
      name.withCString { linux_openat(directory, $0, O_RDONLY | O_NOFOLLOW, 0) }
    }
  } catch {
    if error.code == ENOENT || error.code == ELOOP { return nil }
    throw error
  }
  defer { close(file) }

  let size = Int(try attempt("lseek") { lseek(file, 0, SEEK_END) })
  // No text of ours is longer.
  guard size <= 65536 else { throw Tree.Failure("lseek", EFBIG) }
  var content = [UInt8](repeating: 0, count: size)
  let count = try attempt("pread") { pread(file, &content, size, 0) }
  if count < size { throw Tree.Failure("pread", EIO) }
  return content
}
