// SPDX-License-Identifier: MIT

import ArgumentParser
import Glibc
import Initramfs
import SystemPackage

/// `leafroot wrap`: puts the leaf segment before an image.
struct Wrap: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Put LeafRoot's PID 1 before an initramfs, which stays as it is.",
    discussion: """
      OUT is a small raw archive with /leafroot, then the bytes of IMAGE. It boots on any kernel \
      that boots IMAGE; without the two words that this command prints it boots as IMAGE does, \
      and /leafroot is one file more. With --segment OUT is the small archive alone, for an \
      initrd line of its own before the image's.

      OUT appears whole or not at all, has IMAGE's permission bits and may be IMAGE. The same \
      inputs give the same bytes; /leafroot is dated SOURCE_DATE_EPOCH, or 0.

      Exit status: 0 done, 1 not done, 64 wrong usage.
      """)

  @Argument(help: "The initramfs to wrap.", completion: .file(), transform: { FilePath($0) })
  var image: FilePath?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The file to write; - for standard output.", valueName: "out"),
    completion: .file(), transform: { FilePath($0) })
  var output: FilePath

  @Flag(help: "Write the leaf segment alone.")
  var segment = false

  @Option(help: "What the image runs on.")
  var arch: Architecture = .host

  @OptionGroup var guest: GuestLibrary

  func validate() throws {
    if segment, image != nil {
      throw ValidationError("IMAGE and --segment exclude each other.")
    }
    if !segment, image == nil {
      throw ValidationError("Name an IMAGE to wrap, or give --segment.")
    }
    if output == "-", isatty(STDOUT_FILENO) == 1 {
      throw ValidationError("An image is nothing for a terminal: name a file with -o.")
    }
  }

  func run() async throws {
    try await interruptible(failure: 1) {
      let modificationTime = try Wrap.sourceDateEpoch(getenv("SOURCE_DATE_EPOCH"))
      let leaf = Segment.leaf(
        try guest.program(for: arch), modificationTime: modificationTime)
      let summary = try image.map { try wrap($0, with: leaf) } ?? write(leaf)

      let report = """
        \(summary)
        kernel words: \(KernelWords.leaf)

        """
      if output == "-" { standardError(report) } else { print(report, terminator: "") }
    }
  }

  private func wrap(_ path: FilePath, with leaf: Segment) throws -> String {
    let image = try Image(path)
    let size =
      try output == "-"
      ? image.wrap(with: leaf, into: .standardOutput) : image.wrap(with: leaf, into: output)
    return """
      \(output): \(size) bytes, \(leaf.bytes.count) of LeafRoot (\(arch)) \
      and \(image.file.size) of \(path) (\(image.leading))
      """
  }

  private func write(_ leaf: Segment) throws -> String {
    if output == "-" {
      try leaf.write(to: .standardOutput)
    } else {
      try leaf.write(to: output)
    }
    return "\(output): \(leaf.bytes.count) bytes of LeafRoot (\(arch))"
  }

  /// The time in the environment variable, 0 if it is not set.
  ///
  /// Source: https://reproducible-builds.org/specs/source-date-epoch/
  /// - Throws: `ValidationError` if newc cannot hold it.
  static func sourceDateEpoch(_ value: UnsafePointer<CChar>?) throws -> UInt32 {
    guard let value else { return 0 }
    let text = String(cString: value)
    guard let seconds = UInt32(text) else {
      throw ValidationError(
        "SOURCE_DATE_EPOCH is '\(text)', expected seconds since 1970, at most \(UInt32.max).")
    }
    return seconds
  }
}
