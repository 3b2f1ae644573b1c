// SPDX-License-Identifier: MIT

import BootFacts
import CLinux
import Leaf
import Tree
import Unpacking

/// The squashfs of a payload. On each of its directories in the leaf an overlay is mounted: changes
/// go to a tmpfs, everything else stays compressed.
///
/// In rootfs nothing of it keeps a name. The image is removed once a loop device has it. The
/// squashfs and the tmpfs are mounted in the payload's directory only while the overlays are made,
/// which have mounts of their own of both (fs/overlayfs/super.c, clone_private_mount()).
struct Squash {
  /// Paths without a leading slash.
  private let directories: [[UInt8]]
  /// The number of names in it; nil if unknown.
  private let entries: Int?
  /// In bytes.
  private let size: Int
  /// The directory of the payload.
  private let payload: Int32

  /// - Parameter directory: open for reading; remains the caller's.
  /// - Returns: nil if nothing of the payload stays compressed.
  init?(_ about: PayloadManifest, _ payload: Payload, in directory: Int32) {
    guard !about.squash.isEmpty, let size = payload.squashSize else { return nil }
    directories = about.squash
    entries = about.squashed?.entries
    self.size = size
    self.payload = directory
  }

  /// The line for the log: `mounted usr, opt: 5128 entries, compressed in 64.0 MiB`.
  var logLine: Text {
    var text = Text("mounted ")
    for (number, directory) in directories.enumerated() {
      if number > 0 { text.add(", ") }
      text.add(directory)
    }
    text.add(": ")
    if let entries {
      text.add(entries)
      text.add(" entries, ")
    }
    text.add("compressed in ")
    let tenths = size.times(10) >> 20
    text.add(tenths / 10)
    text.add(".")
    text.add(tenths % 10)
    return text + " MiB"
  }

  /// Fails if an earlier payload has mounted a squashfs on a directory of this one.
  func refuseOverlap(with composition: Composition) throws(PackedTreeFailure) {
    for directory in directories where composition.overlaps(directory) {
      var text = Text("squash: ")
      text.add(directory)
      throw PackedTreeFailure(text + " is squashed in two packed images")
    }
  }

  // MARK: Mounting

  /// Mounts the overlays.
  ///
  /// - Parameters:
  ///   - leaf: the root directory of the tree, which has the directories already. What is in them
  ///     is older.
  ///   - options: mount options of the tmpfs for changes.
  func mount(
    over leaf: Int32, _ options: Text, _ proc: Proc
  ) throws(PackedTreeFailure) -> [TreePart] {
    try KernelModules(of: payload).provideSquash(proc)
    do throws(Tree.Failure) {
      let workingDirectory = try attempt("open") { linux_openat(AT_FDCWD, ".", LINUX_O_PATH, 0) }
      defer {
        _ = fchdir(workingDirectory)
        close(workingDirectory)
      }
      try attempt("fchdir") { fchdir(payload) }
      return try mountLayers(over: leaf, options)
    } catch { throw PackedTreeFailure(squash: error) }
  }

  private func mountLayers(
    over leaf: Int32, _ options: Text
  ) throws(Tree.Failure) -> [TreePart] {
    try mountImage()
    try make(Self.changes)
    try mount("tmpfs", from: Text("tmpfs"), on: Self.changes, options)
    var parts: [TreePart] = []
    for directory in directories {
      parts.append(try cover(directory, of: leaf, number: parts.count))
    }
    for point in [Self.lower, Self.changes] { try unmount(point) }
    return parts
  }

  /// Mounts the squashfs, and removes the name of its image.
  private func mountImage() throws(Tree.Failure) {
    let path = Text(Vocabulary.squash)
    let image = try openPath(path, O_RDONLY | O_NOFOLLOW)
    defer { close(image) }
    try attempt("unlink") { path.withCString { unlink($0) } }

    try make(Self.devices)
    try mount("devtmpfs", from: Text("devtmpfs"), on: Self.devices)
    let device = try LoopDevice(on: image, in: Self.devices)
    // From then on the mount uses it.
    defer { device.close() }
    try make(Self.lower)
    try mount("squashfs", from: device.path, on: Self.lower, flags: UInt(MS_RDONLY))
    try unmount(Self.devices)
  }

  /// Mounts an overlay on a directory of the leaf, with the metadata of the directory and what was
  /// in it.
  private func cover(
    _ directory: [UInt8], of leaf: Int32, number: Int
  ) throws(Tree.Failure) -> TreePart {
    let paths = RootedPaths(root: leaf)
    // Not the leaf itself.
    guard try paths.place(of: directory) != nil else { throw Tree.Failure("mount", EINVAL) }
    var layer = Self.changes + "/"
    layer.add(number)
    let (upper, work) = (layer + "/upper", layer + "/work")
    for one in [layer, upper, work] { try make(one) }
    let lower = Self.lower + "/" + directory
    try fill(upper, from: paths.open(directory, O_RDONLY | O_DIRECTORY), under: lower)

    var options = Text("lowerdir=") + lower + ",upperdir=" + upper
    options = options + ",workdir=" + work + Self.options
    let target = Text(leafPath) + "/" + directory
    try mount("overlay", from: Text("overlay"), on: target, options, for: cName(directory))
    return TreePart(path: directory, root: try paths.open(directory, O_RDONLY | O_DIRECTORY))
  }

  /// An entry keeps its inode number and a file its hard links when it is changed, and directories
  /// can be renamed: Documentation/filesystems/overlayfs.rst.
  private static var options: StaticString { ",index=on,redirect_dir=on,metacopy=off,xino=on" }

  private func fill(
    _ upper: Text, from directory: Int32, under lower: Text
  ) throws(Tree.Failure) {
    defer { close(directory) }
    let lower = try openPath(lower, O_RDONLY | O_DIRECTORY)
    defer { close(lower) }
    let upper = try openPath(upper, O_RDONLY | O_DIRECTORY)
    defer { close(upper) }
    try UpperLayer.fill(upper, from: directory, under: lower)
  }

  // MARK: Calls in the directory of the payload

  private static var devices: Text { Text("devices") }
  private static var lower: Text { Text("lower") }
  private static var changes: Text { Text("changes") }

  @inline(never)
  private func make(_ directory: Text) throws(Tree.Failure) {
    try attempt("mkdir") { directory.withCString { mkdir($0, 0o700) } }
  }

  @inline(never)
  private func mount(
    _ type: StaticString, from source: Text, on point: Text, _ options: Text = Text(),
    flags: UInt = 0, for name: [CChar] = []
  ) throws(Tree.Failure) {
    do throws(Tree.Failure) {
      try attempt("mount") {
        type.withCString { type in
          source.withCString { source in
            point.withCString { point in
              options.withCString { CLinux.mount(source, point, type, flags, $0) }
            }
          }
        }
      }
    } catch { throw error.on(name.isEmpty ? cName(type) : name) }
  }

  @inline(never)
  private func unmount(_ point: Text) throws(Tree.Failure) {
    try attempt("umount") { point.withCString { umount2($0, Int32(MNT_DETACH)) } }
  }
}
