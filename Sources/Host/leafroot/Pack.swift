// SPDX-License-Identifier: MIT

import ArgumentParser
import Encoders
import Files
import Glibc
import Images
import Importing
import Machines
import Packing
import SystemPackage
import Threads

/// `leafroot pack`: makes an image whose tree PID 1 unpacks directly into the leaf.
struct Pack: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Pack a tree so that it is unpacked straight into the leaf.",
    discussion: """
      SOURCE is an initramfs; a directory; a tar archive, compressed or not; a squashfs; or a \
      container image: an OCI image layout, in a directory or an archive, or what docker save \
      writes. It may be -, standard input, or a pipe.

      OUT boots on any kernel, in less memory than an initramfs of the same tree: the kernel only \
      copies the packed tree, and LeafRoot's PID 1 unpacks it into the leaf, and frees it as it \
      goes. Early microcode of an initramfs stays in front.

      With --squash, the content of a directory stays compressed, as a squashfs with an overlay \
      over it. The kernel needs loop, squashfs and overlay: pack takes the modules from the tree's \
      /lib/modules, and those of --modules.

      OUT is written atomically. The same inputs give the same bytes, however many jobs there are; \
      files that pack adds are dated SOURCE_DATE_EPOCH, or 0.

      Exit status: 0 success; 2 failure; 64 usage error; 128 + N ended by signal N.
      """)

  @Argument(help: "What to pack.", completion: .file(), transform: { FilePath($0) })
  var source: FilePath

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Write to this file.", valueName: "out"),
    completion: .file(), transform: { FilePath($0) })
  var output: FilePath

  @Option(help: "The compressor: zstd, lz4, gzip, xz or none.")
  var codec = Encoding.Compressor.zstd

  @Option(
    help: ArgumentHelp(
      "How hard to compress. (default: zstd 10 of 22, lz4 9 of 12, gzip 6 of 9, xz 6 of 9)",
      valueName: "level"))
  var level: Int?

  @Option(help: "Compress with this many threads. (default: one for each processor)")
  var jobs: Int?

  @Option(
    help: ArgumentHelp(
      "End a member of the payload at this size, before compression. (default: 16M; 32M from zstd "
        + "level 16 on)", valueName: "size"))
  var memberSize: ByteSize?

  @Option(
    name: .customLong("init"),
    help: ArgumentHelp("The real init, if it is not /init.", valueName: "path"))
  var realInit: String?

  @Option(
    help: ArgumentHelp(
      "The architecture that the image runs on. (default: that of --platform, or of this tool)"))
  var arch: Architecture?

  @Option(
    help: ArgumentHelp(
      "Select the image for this platform, such as linux/arm64/v8, in a container image for "
        + "several. (default: the one for --arch)", valueName: "os/arch"))
  var platform: Platform?

  @Option(
    help: ArgumentHelp(
      "Select the image with this name, or name and tag, in an archive of several.",
      valueName: "name"))
  var reference: String?

  @Option(
    help: ArgumentHelp(
      "Keep the content of this directory compressed in memory; may be repeated. Not for / and "
        + "what the system writes to.", valueName: "dir"),
    transform: { try SquashedDirectory($0) })
  var squash: [SquashedDirectory] = []

  @Option(
    help: ArgumentHelp(
      "The modules of kernels for --squash: a directory such as /lib/modules, that of one kernel, "
        + "or debian:SERIES for those of one of Debian's kernels; may be repeated.",
      valueName: "dir"), completion: .directory)
  var modules: [String] = []

  @Option(
    help: ArgumentHelp(
      "Leave out the extended attributes of these namespaces, separated by commas: user, trusted, "
        + "security, system.", valueName: "namespaces"),
    transform: { try XattrNamespace.list($0) })
  var noXattrs: [[XattrNamespace]] = []

  @Option(
    help: ArgumentHelp(
      "Refuse a tar archive or a container image whose files exceed this size.",
      valueName: "size"))
  var maxSize = ByteSize(mebibytes: 16 << 10)

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
    if let platform, let arch, Architecture(platform) != arch {
      throw ValidationError("--platform \(platform) is not --arch \(arch).")
    }
    if let platform, Architecture(platform) == nil {
      throw ValidationError(
        "LeafRoot has no PID 1 for \(platform), only for linux/amd64, linux/arm64 and linux/riscv64."
      )
    }
    if output == "-" { throw ValidationError("OUT must be a file, not standard output.") }
    if let conflict = SquashedDirectory.conflict(in: squash) {
      throw ValidationError("--squash: \(conflict).")
    }
    if squash.isEmpty, !modules.isEmpty {
      throw ValidationError("--modules requires --squash.")
    }
  }

  func run() async throws {
    try await asVerb {
      let (report, warnings) = try await pack()
      for warning in warnings { standardError("leafroot: warning: \(warning)\n") }
      try Output.print(report)
      return 0
    }
  }

  private func pack() async throws -> (report: String, warnings: [String]) {
    let arch = arch ?? platform.flatMap { Architecture($0) } ?? .host
    let program = try GuestLibrary.program("leafroot-init", for: arch)
    let packer = try packer()
    let given = try await SquashModules(names: modules).given(for: arch)

    let progress = ReadingProgress()
    defer { progress.end() }
    // Each file is read once more for its content, and what is squashed before that.
    let readings: Int64 = squash.isEmpty ? 2 : 3
    func update(_ reading: Int64) -> (Int64, Int64) -> Void {
      { progress.update((reading * $1 + $0) / readings, of: $1) }
    }
    var source = self.source(for: arch)
    try await source.open()
    let tree = try source.tree(progress: update(0))
    let squash = try await squash(tree, packer, given, progress: update(1))
    let summary = try packer.write(
      tree, program, squashed: squash?.image, into: output, progress: update(readings - 1))

    let lines = [
      """
      \(output): \(summary.size) bytes, \(program.bytes.count) of LeafRoot (\(arch)); \
      \(summary.entries) entries, \(summary.bytes) bytes of content in \(summary.members) members
      """
    ]
    let report =
      lines + (squash?.report(summary) ?? []) + tree.notes
      + ["kernel parameters: \(KernelParameters.request)"]
    let warnings = [
      warning(starting: summary.realInit), warning(about: summary.unsettableXattrs),
      ConsoleFile.warning(in: tree.files),
    ]
    return (
      report.joined(separator: "\n"), warnings.compactMap { $0 } + (squash?.warnings ?? [])
    )
  }

  private func packer() throws -> Packer {
    let encoding = Encoding(codec, level: level)
    var packer = Packer(
      encoding, jobs: jobs ?? processorCount(),
      memberSize: memberSize.map { $0.mebibytes << 20 } ?? encoding.memberSize)
    packer.realInit = realInit
    packer.xattrsLeftOut = Set(noXattrs.joined())
    packer.modificationTime = try Wrap.sourceDateEpoch(getenv("SOURCE_DATE_EPOCH"))
    return packer
  }

  private func source(for arch: Architecture) -> PackSource {
    var source = PackSource(
      source, platform ?? arch.platform, workDirectory: output.removingLastComponent())
    source.limit = Int64(maxSize.mebibytes) << 20
    source.reference = reference
    source.output = output
    return source
  }

  /// Makes the squashfs, if there is to be one.
  /// - Parameter given: The modules of --modules.
  private func squash(
    _ tree: any TreeSource, _ packer: Packer, _ given: KernelModules.Found,
    progress: @escaping (Int64, Int64) -> Void
  ) async throws -> SquashReport? {
    if squash.isEmpty { return nil }
    let parts = try SquashedTree(
      tree, squash, leavingOut: packer.xattrsLeftOut, from: source)
    let found = try SquashModules.find(in: tree, given, from: source)
    var writer = SquashWriter(jobs: packer.jobs)
    if codec == .zstd, let level { writer.level = level }
    writer.modificationTime = packer.modificationTime
    let image = try await writer.write(
      parts, in: output.removingLastComponent(), progress: progress)
    return SquashReport(parts, Squash(parts, image, found.kernels), found)
  }

  private func warning(about xattrs: UnsettableXattrs) -> String? {
    xattrs.first.map { first in
      let name = String(decoding: first.name, as: UTF8.self)
      let few = xattrs.count == 1 ? "1 extended attribute" : "\(xattrs.count) extended attributes"
      return "left out \(few) that a tmpfs cannot have: \(quoted(first.path)): \(name)"
    }
  }

  /// - Parameter found: The path of the init that PID 1 finds.
  private func warning(starting found: String?) -> String? {
    if let realInit, found != realInit { return "the tree has no file \(realInit)" }
    return switch found {
    case nil: "the tree has no init: name one with --init, or boot with leafroot_init=PATH"
    case "/bin/sh": "the tree has no init but /bin/sh"
    default: nil
    }
  }
}

extension XattrNamespace {
  /// Parses `user,trusted`.
  fileprivate static func list(_ text: String) throws -> [XattrNamespace] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { name in
      guard let namespace = XattrNamespace(rawValue: String(name)) else {
        throw ValidationError(
          "'\(name)' is not a namespace of extended attributes: user, trusted, security or system.")
      }
      return namespace
    }
  }
}
