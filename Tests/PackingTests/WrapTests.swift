// SPDX-License-Identifier: MIT

import Files
import Glibc
import Images
import Packing
import Samples
import SystemPackage
import TestSupport
import Testing

@Suite struct WrapTests {
  private let directory: TemporaryDirectory
  private let segment: Segment

  init() throws {
    directory = try TemporaryDirectory()
    segment = try leaf(in: directory)
  }

  private func wrap(_ image: String, into output: String) throws {
    try Image(path: directory.path.appending(image)).wrap(
      with: segment, into: directory.path.appending(output))
  }

  @Test func `the output is the segment and then the image, unchanged`() throws {
    let large = zstd + (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 >> 3) }
    try directory.file("image", large)
    try wrap("image", into: "out")
    #expect(try directory.bytes("out") == segment.bytes + large)
  }

  @Test func `the same inputs give the same bytes`() throws {
    try directory.file("image", zstd)
    try wrap("image", into: "one")
    try wrap("image", into: "two")
    #expect(try directory.bytes("one") == directory.bytes("two"))
    #expect(try leaf(in: directory, modificationTime: 1) != segment)
  }

  @Test(arguments: [0o600, 0o640, 0o444, 0o755])
  func `the output has the image's permission bits`(permissions: Int) throws {
    try directory.file("image", zstd, permissions: permissions)
    try directory.file("out", [1], permissions: 0o666)
    try wrap("image", into: "out")
    #expect(try directory.permissions("out") == permissions)
  }

  @Test func `the output may be the image itself`() throws {
    try directory.file("image", zstd, permissions: 0o600)
    try wrap("image", into: "image")
    #expect(try directory.bytes("image") == segment.bytes + zstd)
    #expect(try directory.names == ["image", "init"])
  }

  @Test func `an output that is a symbolic link stays one`() throws {
    try directory.file("image", zstd)
    try directory.file("image-6.1", [])
    #expect(symlink("image-6.1", directory.path.appending("link").string) == 0)
    try wrap("image", into: "link")
    #expect(try directory.bytes("image-6.1") == segment.bytes + zstd)
    #expect(
      try directory.path.appending("link").stat(followTargetSymlink: false).type == .symbolicLink)
  }

  @Test func `a wrapped image is not wrapped again`() throws {
    try directory.file("image", zstd)
    try wrap("image", into: "out")
    let path = directory.path.appending("out")
    #expect(
      throws: FileError(path, "is already wrapped: it has /leafroot")
    ) { try wrap("out", into: "twice") }
    #expect(try directory.names == ["image", "init", "out"])
  }

  @Test(arguments: ["leafroot", "./leafroot", "/leafroot"])
  func `our PID 1 is found under any spelling of its name`(name: String) throws {
    let path = try directory.file(
      "image", try archive("etc", []).dropLast(124) + archive(name, [1]))
    #expect(try Image(path: path).isWrapped)
  }

  @Test(arguments: ["leafroot2", "bin/leafroot", "leaf"])
  func `another name is not our PID 1`(name: String) throws {
    #expect(try !Image(path: try directory.file("image", archive(name, [1]))).isWrapped)
  }

  @Test func `our PID 1 is looked for before the first compressed member`() throws {
    let (before, own) = (try archive("etc", [1]), try archive("leafroot", [1]))
    #expect(try Image(path: try directory.file("raw", before + own)).isWrapped)
    let packed = try Command(["gzip", "-c"], input: own).output()
    #expect(try !Image(path: try directory.file("compressed", before + packed)).isWrapped)
  }

  @Test func `an error leaves an old output as it was, and no other file`() throws {
    try directory.file("out", [1, 2, 3], permissions: 0o600)
    try directory.file("image", elf())
    #expect(throws: FileError.self) { try wrap("image", into: "out") }
    #expect(try directory.bytes("out") == [1, 2, 3])
    #expect(try directory.names == ["image", "init", "out"])
  }

  @Test func `a cancelled wrap leaves an old output as it was, and no other file`() async throws {
    try directory.file("out", [1, 2, 3])
    try directory.file("image", zstd)
    let (path, segment) = (directory.path, segment)
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      try Image(path: path.appending("image")).wrap(with: segment, into: path.appending("out"))
    }
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(try directory.bytes("out") == [1, 2, 3])
    #expect(try directory.names == ["image", "init", "out"])
  }

  @Test func `an output that is a directory is refused`() throws {
    try directory.file("image", zstd)
    #expect(
      throws: FileError(directory.path, "is a directory, not a regular file")
    ) {
      try Image(path: directory.path.appending("image")).wrap(with: segment, into: directory.path)
    }
  }

  @Test func `an output in a directory that is not there is refused`() throws {
    try directory.file("image", zstd)
    let output = directory.path.appending("none/out")
    #expect(
      throws: FileError(output, cannot: "create", .noSuchFileOrDirectory)
    ) { try Image(path: directory.path.appending("image")).wrap(with: segment, into: output) }
  }
}
