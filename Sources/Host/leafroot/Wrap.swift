// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import Glibc
import Images
import Initramfs
import Packing
import SystemPackage

/// `leafroot wrap`: prepends the leaf segment to an image.
struct Wrap: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prepend LeafRoot's PID 1 to an initramfs.",
    discussion: """
      OUT is a small raw archive with /leafroot, followed by the bytes of IMAGE. It boots on any \
      kernel that boots IMAGE. Without the two kernel parameters that this command prints, it \
      boots as IMAGE does, with /leafroot as an additional file. With --segment, OUT is the small \
      archive alone, to be loaded as a separate initrd before the image.

      OUT is written atomically. It has the permission bits of IMAGE, and may be IMAGE. The same \
      inputs give the same bytes; the modification time of /leafroot is SOURCE_DATE_EPOCH, or 0.

      wrap reads all of IMAGE first. If IMAGE is cut short or damaged, or the kernel would not \
      unpack all of it, wrap prints a warning with the offset, and still writes OUT.

      Exit status: 0 success; 1 IMAGE is damaged, OUT is written; 2 failure; 64 usage error; \
      128 + N ended by signal N.
      """)

  @Argument(help: "The initramfs to wrap.", completion: .file(), transform: { FilePath($0) })
  var image: FilePath?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Write to this file; - means standard output.", valueName: "out"),
    completion: .file(), transform: { FilePath($0) })
  var output: FilePath

  @Flag(help: "Write only the archive with /leafroot, without an image.")
  var segment = false

  @Option(help: "The architecture that the image runs on.")
  var arch: Architecture = .host

  @OptionGroup var guest: GuestLibrary

  func validate() throws {
    if segment, image != nil {
      throw ValidationError("IMAGE and --segment are mutually exclusive.")
    }
    if !segment, image == nil {
      throw ValidationError("Missing IMAGE or --segment.")
    }
    if output == "-", StandardStreams.outputIsTerminal {
      throw ValidationError("Not writing an image to a terminal; specify a file with -o.")
    }
  }

  func run() async throws {
    try await asVerb {
      let modificationTime = try Wrap.sourceDateEpoch(getenv("SOURCE_DATE_EPOCH"))
      let leaf = Segment.leaf(
        try guest.program(for: arch), modificationTime: modificationTime)
      guard let path = image else {
        try leaf.write(to: output)
        try report("\(output): \(leaf.bytes.count) bytes of LeafRoot (\(arch))")
        return 0
      }

      let image = try Image(path: path)
      try image.refuseIfWrapped()
      let damage = try check(image)
      let size = try image.wrap(with: leaf, into: output)
      try report(
        """
        \(output): \(size) bytes, \(leaf.bytes.count) of LeafRoot (\(arch)) \
        and \(image.parts.size) of \(image.name) (\(image.leading))
        """)
      return damage == nil ? 0 : 1
    }
  }

  /// Reads the whole image, warns about a defect, which is returned, and about the console.
  private func check(_ image: Image) throws -> FileError? {
    let progress = ReadingProgress()
    defer { progress.end() }
    let source = ImageSequence(image.parts) { progress.update($0, of: $1) }
    var console = ConsoleFile()
    let damage = try image.damage(ImageReader(source).finish(noting: &console))
    progress.end()
    if let damage { standardError("leafroot: warning: \(damage)\n") }
    if console.isFile { standardError("leafroot: warning: \(ConsoleFile.text)\n") }
    return damage
  }

  private func report(_ summary: String) throws {
    let report = """
      \(summary)
      kernel parameters: \(KernelParameters.leaf)
      kexec, kdump: if another image boots with these parameters, append \
      \(KernelParameters.plain), or the kernel skips its /init
      """
    if output == "-" { standardError("\(report)\n") } else { try Output.print(report) }
  }

  /// The time in the environment variable; 0 if it is not set.
  ///
  /// Source: https://reproducible-builds.org/specs/source-date-epoch/
  /// - Throws: `ValidationError` if newc cannot hold it.
  static func sourceDateEpoch(_ value: UnsafePointer<CChar>?) throws -> UInt32 {
    guard let value else { return 0 }
    let text = String(cString: value)
    guard let seconds = UInt32(text) else {
      throw ValidationError(
        "SOURCE_DATE_EPOCH is '\(text)', must be seconds since 1970, at most \(UInt32.max).")
    }
    return seconds
  }
}
