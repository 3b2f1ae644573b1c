// SPDX-License-Identifier: MIT

import Encoders
import Files
public import Images
import Importing
import SystemPackage

extension Image {
  /// The image with the tree that runs, also with what is squashed: as further members, in files
  /// without names in ``ScratchFile/usualDirectory``.
  /// - Throws: ``FileError``, also if `sqfs2tar` is not installed; `CancellationError`.
  public func wholeTree() async throws -> ImageParts {
    var members: [[UInt8]: SquashMembers] = [:]
    for payload in payloads {
      guard let squash = payload.squash else { continue }
      let tar = try await Squashfs.archive(of: copy(of: squash), in: ScratchFile.usualDirectory)
      members[payload.id] = try self.members(of: tar.file, payload)
    }
    return tree(with: members)
  }

  /// Copies a part of the image.
  private func copy(of piece: FilePiece) throws -> InputFile {
    let scratch = try ScratchFile(in: ScratchFile.usualDirectory)
    try parts.pieces([piece]).forEachBlock(name) { block in
      try block.withUnsafeBytes { try scratch.write($0) }
    }
    return try scratch.reopened(as: name)
  }

  /// Makes members of what an archive has below the squashed directories of `payload`.
  private func members(
    of archive: InputFile, _ payload: PackedPayload
  ) throws -> SquashMembers {
    let prefixes = try squashedDirectories(of: payload).map { $0 + [UInt8(ascii: "/")] }
    let source = PackSource(
      name, Architecture.host.platform, workDirectory: ScratchFile.usualDirectory)
    let tree = try source.tree(of: archive) { _, _ in }
    let files = tree.files.enumerated().compactMap { index, file in
      let names = file.names.filter { name in prefixes.contains { name.starts(with: $0) } }
      return names.isEmpty ? nil : (index, file.named(names))
    }
    var members = MemberFile(payload.id, try ScratchFile(in: ScratchFile.usualDirectory))
    let packer = Packer(.none, jobs: 1, memberSize: 16 << 20)
    _ = try packer.makeMembers(of: PartialTree(of: tree, files), name) { try members.add($0) }
    return try members.finish(as: name)
  }
}

/// A file with members and their sidecars.
private struct MemberFile: ~Copyable {
  private let payload: [UInt8]
  private let scratch: ScratchFile
  private var size: Int64 = 0
  private var pieces: [FilePiece] = []

  /// - Parameter payload: The name of the sidecars in errors.
  init(_ payload: [UInt8], _ scratch: consuming ScratchFile) {
    self.payload = payload
    self.scratch = scratch
  }

  mutating func add(_ member: MemberEncoder.Encoded) throws {
    var piece = FilePiece(offset: size, size: Int64(member.bytes.count))
    try write(member.bytes)
    if !member.sidecar.isEmpty {
      piece.sidecar = SidecarPiece(
        name: payload, offset: size, size: Int64(member.sidecar.count))
      try write(member.sidecar)
    }
    pieces.append(piece)
  }

  private mutating func write(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { try scratch.write($0) }
    size += Int64(bytes.count)
  }

  consuming func finish(as name: FilePath) throws(FileError) -> SquashMembers {
    let pieces = pieces
    return SquashMembers(file: try scratch.reopened(as: name), pieces: pieces)
  }
}
