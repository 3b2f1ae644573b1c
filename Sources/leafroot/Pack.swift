// SPDX-License-Identifier: MIT

import ArgumentParser
import Encoding
import Files
import Glibc
import Inspection
import Packing
import SystemPackage
import Threads

/// `leafroot pack`: an image whose tree PID 1 unpacks straight into the leaf.
struct Pack: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Pack an initramfs so that it is unpacked straight into the leaf.",
    discussion: """
      OUT boots on any kernel that boots IMAGE, in less memory: the kernel only copies the packed \
      tree, and LeafRoot's PID 1 unpacks it into the leaf, and frees it as it goes. The kernel \
      parameter nonroot_initramfs asks for the leaf; without it, and where the root is a leaf \
      already, the tree is unpacked into the root file system. Early microcode stays in front.

      The kernel must unpack all of IMAGE without an error. OUT is written atomically. The same \
      inputs give the same bytes, however many jobs there are; the modification time of what is \
      not of IMAGE is SOURCE_DATE_EPOCH, or 0.

      Exit status: 0 success; 2 failure; 64 usage error; 128 + N ended by signal N.
      """)

  @Argument(help: "The initramfs to pack.", completion: .file(), transform: { FilePath($0) })
  var image: FilePath

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Write to this file.", valueName: "out"),
    completion: .file(), transform: { FilePath($0) })
  var output: FilePath

  @Option(help: "The compressor: zstd, lz4, gzip, xz or none.")
  var codec = CodecName.zstd

  @Option(
    help: ArgumentHelp(
      "How hard to compress. (default: zstd 10 of 22, lz4 9 of 12, gzip 6 of 9, xz 6 of 9)",
      valueName: "level"))
  var level: Int?

  @Option(help: "Threads that compress. (default: one for each processor)")
  var jobs: Int?

  @Option(
    help: ArgumentHelp(
      "A member of the payload ends at this size, before compression. (default: 16M; 32M from "
        + "zstd level 16 on)", valueName: "size"))
  var memberSize: MemorySize?

  @Option(
    name: .customLong("init"),
    help: ArgumentHelp("The real init, if it is not /init.", valueName: "path"))
  var realInit: String?

  @Option(help: "The architecture that the image runs on.")
  var arch: Architecture = .host

  func validate() throws {
    let levels = codec.levels
    if let level, !levels.contains(level) {
      throw ValidationError(
        "The level of \(codec.rawValue) is \(levels.lowerBound) to "
          + "\(levels.upperBound), not \(level).")
    }
    if let jobs, !(1...256).contains(jobs) {
      throw ValidationError("--jobs is 1 to 256, not \(jobs).")
    }
    if let realInit, !realInit.hasPrefix("/") {
      throw ValidationError("--init is a path that begins with /, not '\(realInit)'.")
    }
    if output == "-" { throw ValidationError("OUT must be a file, not standard output.") }
  }

  func run() async throws {
    let line = try await asVerb(failure: 2) { try pack() }
    print(line)
  }

  private func pack() throws -> String {
    let program = try GuestLibrary.program("leafroot-unpack", for: arch)
    try ImageFile(image).refuseIfWrapped()
    let encoding = codec.encoding(level)
    var packer = Packer(
      encoding, jobs: jobs ?? processorCount(),
      memberSize: memberSize.map { $0.mebibytes << 20 } ?? codec.memberSize(level))
    packer.realInit = realInit
    packer.modificationTime = try Wrap.sourceDateEpoch(getenv("SOURCE_DATE_EPOCH"))

    let progress = ReadingProgress()
    defer { progress.end() }
    let source = ObservedFile(try InputFile(image)) { progress.update($0 / 2, of: $1) }
    let tree = try ImageTree(source, at: image)
    let summary = try packer.write(tree, of: image, program, into: output) {
      progress.update(($1 + $0) / 2, of: $1)
    }
    return """
      \(output): \(summary.size) bytes, \(program.bytes.count) of LeafRoot (\(arch)); \
      \(summary.entries) entries, \(summary.bytes) bytes of content in \(summary.members) members
      kernel parameters: \(KernelWords.request)
      """
  }
}

/// The compressor of a payload.
enum CodecName: String, CaseIterable, ExpressibleByArgument, Sendable {
  case zstd, lz4, gzip, xz, none

  /// Those that the library has; 0 alone for none.
  var levels: ClosedRange<Int> {
    switch self {
    case .zstd: 1...22
    case .lz4: 1...12
    case .gzip: 1...9
    case .xz: 0...9
    case .none: 0...0
    }
  }

  func encoding(_ level: Int?) -> Encoding {
    switch self {
    case .zstd: .zstd(level: level ?? 10)
    case .lz4: .lz4(level: level ?? 9)
    case .gzip: .gzip(level: level ?? 6)
    case .xz: .xz(level: level ?? 6)
    case .none: .none
    }
  }

  /// A member's default size in bytes: larger windows want larger members.
  func memberSize(_ level: Int?) -> Int {
    self == .zstd && (level ?? 0) >= 16 ? 32 << 20 : 16 << 20
  }
}
