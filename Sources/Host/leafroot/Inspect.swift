// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import Images
import Initramfs
import Packing
import SystemPackage

/// `leafroot inspect`: reports what an image contains, and what the kernel makes of it.
struct Inspect: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the contents and defects of an initramfs, and the memory it needs.",
    discussion: """
      inspect reads IMAGE as the kernel does: any number of raw newc archives and compressed \
      members, in any order. IMAGE may be -, standard input, or a pipe; a unified kernel image; or a \
      ramdisk with U-Boot's header. By default, it prints the members, totals, the init program, the \
      least memory to boot with, and findings: what the kernel refuses or loses.

      Of a packed image, the tree is that of its payload, also with --list and --cat. What is \
      squashed is listed, but otherwise only counted.

      On a terminal, inspect prints colours and columns. Otherwise it separates fields by one \
      tab, with --list by one blank.

      Exit status: 0 the kernel unpacks all of IMAGE; 1 it does not, or a member is damaged; \
      2 IMAGE cannot be read, or has no file PATH; 64 usage error; 128 + N ended by signal N.
      """)

  @Argument(help: "The initramfs.", completion: .file(), transform: { FilePath($0) })
  var image: FilePath

  @Flag(help: "Print each entry in the format of ls -l, in the order of the image.")
  var list = false

  @Flag(help: "Print one JSON object; with --list, including all entries.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Print the content of this file of the unpacked image.", valueName: "path"))
  var cat: String?

  @Option(
    help: ArgumentHelp(
      "The configuration of the kernel to boot, plain or gzipped.", valueName: "file"),
    completion: .file(), transform: { FilePath($0) })
  var kernelConfig: FilePath?

  @OptionGroup var target: TargetKernel

  func validate() throws {
    guard cat == nil || !list && !json else {
      throw ValidationError("--cat cannot be combined with --list or --json.")
    }
    guard kernelConfig == nil || cat == nil && (!list || json) else {
      throw ValidationError("--kernel-config cannot be combined with --cat or a plain --list.")
    }
  }

  func run() async throws {
    try await asVerb {
      let kernel = try await target.version()
      guard let image = try Image.orReport(image) else { return 1 }
      let output = Output()
      let status =
        if let cat {
          try await printFile(cat, of: image, output, kernel)
        } else if list, !json {
          try await printList(of: image, output, kernel)
        } else {
          try await inspect(image, output, kernel)
        }
      try output.flush()
      return status
    }
  }

  private func printList(
    of image: Image, _ output: Output, _ kernel: KernelVersion?
  ) async throws -> Int32 {
    var lister = Lister(output)
    let reader = ImageReader(
      ImageSequence(try await image.wholeTree()), KernelRules(of: kernel))
    while let event = try reader.next() {
      guard case .entry(let record) = event else { continue }
      try lister.write(record)
      reader.skipData()
    }
    try output.flush()
    return try complain(reader.summary, image)
  }

  private func printFile(
    _ path: String, of image: Image, _ output: Output, _ kernel: KernelVersion?
  ) async throws -> Int32 {
    let contents = FileContents(Array(path.utf8), of: image.name)
    let tree = try await image.wholeTree()
    let summary = try contents.read(ImageSequence(tree), KernelRules(of: kernel)) {
      bytes throws(FileError) in
      output.write(bytes)
      try output.flush()
    }
    return try complain(summary, image)
  }

  private func inspect(
    _ image: Image, _ output: Output, _ kernel: KernelVersion?
  ) async throws -> Int32 {
    let config = try kernelConfig.map { path throws(FileError) in try KernelConfig(path) }
    var inspection = try Inspection(
      ImageSequence(image.parts), of: image.name, config: config, kernel: kernel)
    _ = try inspection.summary.damage(image.name)
    let squash = try image.squash()
    var payload = try inspectPayload(image, squash, kernel)
    let missing = try image.missingFile()
    if image.overwritesPayload { inspection.findings.addOverwrittenPayload() }
    if let missing {
      if payload == nil {
        inspection.findings.addMissing(payloadFile: missing)
      } else {
        payload?.findings.addMissing(payloadFile: missing)
      }
    }
    let report = InspectionReport(
      inspection, payload: payload, squash: squash, of: image, path: self.image)
    if json {
      var tree: ImageParts?
      if list { tree = try await image.wholeTree() }
      try report.writeJSON(to: output, entriesOf: tree)
    } else {
      try report.write(to: output)
    }
    return report.exitStatus
  }

  /// Inspects the tree that PID 1 unpacks from a packed image; nil for any other image.
  /// - Parameter squash: What is squashed in it: it is not read.
  private func inspectPayload(
    _ image: Image, _ squash: PackedSquashfs?, _ kernel: KernelVersion?
  ) throws -> Inspection? {
    guard image.isPacked, !image.isSegment else { return nil }
    let inits = try image.realInits() + Inspection.inits.map { Array($0.utf8) }
    var payload = try Inspection(
      ImageSequence(image.tree), of: image.name, kernel: kernel, inits: inits, squash: squash)
    // PID 1 has all decompressors, and tries more paths for an init than the kernel.
    payload.findings.remove([.lz4Trap, .oldKernels, .noInit])
    if payload.realInit == nil { payload.findings.addNoInit() }
    // In a squashfs, which was not read.
    if payload.realInit?.isExecutable == true { payload.findings.remove([.initNotExecutable]) }
    return payload
  }

  /// Reports a defect of the image, if any, on standard error.
  private func complain(_ summary: ImageSummary, _ image: Image) throws(FileError) -> Int32 {
    guard let error = try image.damage(summary) else { return 0 }
    standardError("leafroot: \(error)\n")
    return 1
  }
}
