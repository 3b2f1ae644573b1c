// SPDX-License-Identifier: MIT

public import Files
import Images
import Importing
import Initramfs
import Newc
public import SystemPackage

/// Makes a squashfs with `tar2sqfs`, of squashfs-tools-ng.
public struct SquashWriter: Sendable {
  /// The level of zstd.
  public var level = 19
  /// The number of compressing threads.
  public var jobs: Int
  /// The time of the file system, and of directories without a record, in seconds since 1970.
  public var modificationTime: UInt32 = 0

  private static let program = "tar2sqfs"
  /// The size of a block in bytes before compression. Larger ones compress better, but the kernel
  /// decompresses at least one.
  private static let blockSize = 512 << 10

  public init(jobs: Int) { self.jobs = jobs }

  /// Makes the squashfs of `tree` as a file without a name in `directory`.
  ///
  /// The same tree gives the same bytes, whatever the number of jobs.
  /// - Parameter progress: Called with the number of bytes read of the tree's source, and its size.
  /// - Throws: ``FileError``, also if `tar2sqfs` is not installed; `CancellationError`.
  public func write(
    _ tree: SquashedTree, in directory: FilePath,
    progress: @escaping (Int64, Int64) -> Void = { _, _ in }
  ) async throws -> InputFile {
    let program = FilePath(Self.program)
    let scratch = try ScratchFile(in: directory)
    let input = try ProgramInput(of: program)
    var lastLine = ""
    let status = try await ChildProgram.run(
      Self.program, arguments, input: input.programEnd, output: try scratch.duplicate(),
      missing: "not found in PATH; --squash requires squashfs-tools-ng"
    ) {
      // Why it reads no more, it says on its standard error.
      do { try Self.feed(tree.inside, into: input, progress) } catch is ProgramInput.Closed {}
      input.close()
    } onLine: { line in
      if !line.isEmpty { lastLine = line }
    }
    try status.check(Self.program, lastLine)
    let image = try scratch.reopened(as: program)
    guard try Squashfs.isOne(image) else { throw FileError(program, "has written no squashfs") }
    return image
  }

  /// With an export table, the overlay finds a file again by its inode number, which `index=on`
  /// needs: fs/overlayfs/super.c, ovl_get_indexdir(); fs/squashfs/export.c. Not every chroot has
  /// /dev/stdout, and tar2sqfs would create it.
  private var arguments: [String] {
    [
      "--quiet", "--no-skip", "--force", "--compressor", "zstd", "--comp-extra", "level=\(level)",
      "--exportable", "--block-size", "\(Self.blockSize)", "--num-jobs", "\(jobs)",
      "--defaults", "mtime=\(modificationTime)", "/proc/self/fd/1",
    ]
  }

  /// Writes the tree as a tar archive.
  private static func feed(
    _ tree: PartialTree, into input: ProgramInput,
    _ progress: @escaping (Int64, Int64) -> Void
  ) throws {
    var archive = TarStream(input)
    for file in tree.files where file.dataSize == 0 { try archive.begin(file) }
    try tree.readContents(progress: progress) { index in
      try archive.begin(tree.files[index])
    } data: { bytes in
      try archive.add(bytes)
    }
    try archive.finish()
  }
}

/// A tar archive that a program reads.
private struct TarStream {
  private let input: ProgramInput
  /// The file whose data follow, and what is missing of them.
  private var file: TreeFile?
  private var missing: UInt64 = 0
  private var holes = HoleFiller(size: 0, [])

  init(_ input: ProgramInput) { self.input = input }

  /// Begins a file with all of its names.
  mutating func begin(_ file: TreeFile) throws {
    try end()
    try input.write(TarWriter.headers(of: file))
    self.file = file
    missing = file.dataSize
    holes = HoleFiller(size: file.size, file.extents)
  }

  mutating func add(_ bytes: UnsafeRawBufferPointer) throws {
    missing -= min(missing, UInt64(bytes.count))
    try holes.add(bytes) { try input.write($0) }
  }

  mutating func finish() throws {
    try end()
    try input.write(TarWriter.end)
  }

  private mutating func end() throws {
    guard let file else { return }
    guard missing == 0 else {
      throw FileError(
        "tar2sqfs", "the source has changed while it was read: \(missing) bytes are missing")
    }
    try holes.finish { try input.write($0) }
    try input.write(TarWriter.padding(after: file.size))
    for name in file.names.dropFirst() { try input.write(TarWriter.link(name, to: file)) }
    self.file = nil
  }
}

extension TreeFile {
  /// The size of a regular file, with holes; 0 for others.
  fileprivate var size: UInt64 { entry.type == .regular ? entry.size : 0 }
}
