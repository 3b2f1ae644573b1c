// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import Glibc
import Images
import Packing
import SystemPackage

/// `leafroot nest`: puts an image, unchanged, into an image; PID 1 unpacks it directly into the
/// leaf.
struct Nest: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Nest an initramfs so that it is unpacked straight into the leaf.",
    discussion: """
      OUT is a small raw archive that holds LeafRoot's PID 1 and IMAGE, byte for byte. The kernel \
      only copies IMAGE, and PID 1 unpacks it into the leaf, and frees it as it goes. pack does the \
      same in several members, which are unpacked in parallel.

      With --segment, OUT is the small archive without an image, to be loaded as the first initrd, \
      for a boot loader that makes a file of the second: in iPXE, initrd URL \
      /.leafroot/nested/0000 mode=600.

      nest reads all of IMAGE first: the kernel must unpack all of it without an error. OUT is \
      written atomically. The same inputs give the same bytes; files that nest adds are dated \
      SOURCE_DATE_EPOCH, or 0.

      Exit status: 0 success; 2 failure; 64 usage error; 128 + N ended by signal N.
      """)

  @Argument(help: "The initramfs to nest.", completion: .file(), transform: { FilePath($0) })
  var image: FilePath?

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Write to this file.", valueName: "out"),
    completion: .file(), transform: { FilePath($0) })
  var output: FilePath

  @Flag(help: "Write only the archive, without an image.")
  var segment = false

  @Option(help: "The architecture that the image runs on.")
  var arch: Architecture = .host

  func validate() throws {
    if segment, image != nil {
      throw ValidationError("IMAGE and --segment are mutually exclusive.")
    }
    if !segment, image == nil {
      throw ValidationError("Missing IMAGE or --segment.")
    }
    if output == "-" { throw ValidationError("OUT must be a file, not standard output.") }
  }

  func run() async throws {
    try await asVerb {
      let program = try GuestLibrary.program("leafroot-init", for: arch)
      var nester = Nester()
      nester.modificationTime = try Wrap.sourceDateEpoch(getenv("SOURCE_DATE_EPOCH"))
      let size = try write(nester, program)
      try Output.print(
        """
        \(output): \(size) bytes, \(program.bytes.count) of LeafRoot (\(arch))
        kernel parameters: \(KernelParameters.request)
        """)
      return 0
    }
  }

  private func write(_ nester: Nester, _ program: GuestInit) throws -> Int64 {
    guard let path = image else { return try nester.writeSegment(program, into: output) }
    let image = try Image(path: path)
    try image.refuseIfWrapped()
    let progress = ReadingProgress()
    defer { progress.end() }
    let source = ImageSequence(image.parts) { progress.update($0, of: $1) }
    let inspection = try Inspection(source, of: image.name)
    if let damage = try image.damage(inspection.summary) { throw damage }
    if inspection.findings.counts[.consoleFile] != nil {
      standardError("leafroot: warning: \(ConsoleFile.text)\n")
    }
    return try nester.write(image, inspection, program, into: output)
  }
}
