// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import Initramfs
import Inspection
import Packing
import SystemPackage

/// `leafroot inspect`: reports what an image contains, and what the kernel makes of it.
struct Inspect: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the contents and defects of an initramfs, and the memory it needs.",
    discussion: """
      inspect reads IMAGE as the kernel does: any number of raw newc archives and compressed \
      members, in any order. By default, it prints the members, totals, the init program, the \
      least memory to boot with, and findings: what the kernel refuses or loses.

      Of a packed image, the tree is that of its payload, also with --list and --cat.

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
    let status = try await asVerb {
      let kernel = try await target.version()
      let output = Output()
      let status =
        if let cat {
          try printFile(cat, output, kernel)
        } else if list, !json {
          try printList(output, kernel)
        } else {
          try inspect(output, kernel)
        }
      try output.flush()
      return status
    }
    if status != 0 { throw ExitCode(status) }
  }

  private func printList(_ output: Output, _ kernel: KernelVersion?) throws -> Int32 {
    var lister = Lister(output)
    let parts = PackedParts(of: image)
    let reader = ImageReader(try parts.tree(), KernelRules(of: kernel))
    while let event = try reader.next() {
      guard case .entry(let record) = event else { continue }
      try lister.write(record)
      reader.skipData()
    }
    try output.flush()
    return try complain(reader.reading, parts)
  }

  private func printFile(
    _ path: String, _ output: Output, _ kernel: KernelVersion?
  ) throws -> Int32 {
    let parts = PackedParts(of: image)
    let contents = FileContents(Array(path.utf8), of: image)
    let reading = try contents.read(parts.tree(), KernelRules(of: kernel)) {
      bytes throws(FileError) in
      output.write(bytes)
      try output.flush()
    }
    return try complain(reading, parts)
  }

  private func inspect(_ output: Output, _ kernel: KernelVersion?) throws -> Int32 {
    let config = try kernelConfig.map { path throws(FileError) in try KernelConfig(path) }
    let file = ImageSequence(try InputFile(image))
    var inspection = try Inspection(file, of: image, config: config, kernel: kernel)
    if let error = lookalike(inspection.reading) {
      standardError("leafroot: \(error)\n")
      return 1
    }
    _ = try inspection.reading.damage(image)
    let parts = PackedParts(of: image)
    var payload = try inspectPayload(parts, kernel)
    if let name = try parts.firstMissing() {
      if payload == nil {
        inspection.findings.addMissing(payloadFile: name)
      } else {
        payload?.findings.addMissing(payloadFile: name)
      }
    }
    let report = InspectionReport(inspection, payload: payload, path: image)
    if json {
      try report.writeJSON(to: output, entriesOf: list ? parts : nil)
    } else {
      try report.write(to: output)
    }
    return report.exitStatus
  }

  /// Inspects what PID 1 unpacks of a packed image; nil of any other.
  private func inspectPayload(_ parts: PackedParts, _ kernel: KernelVersion?) throws -> Inspection?
  {
    if parts.payload.isEmpty { return nil }
    var payload = try Inspection(
      parts.tree(), of: image, kernel: kernel, inits: parts.inits())
    // PID 1 has all decompressors, and more places for an init than the kernel.
    payload.findings.remove([.lz4Trap, .oldKernels, .noInit])
    if payload.realInit == nil { payload.findings.addNoInit() }
    return payload
  }

  /// Reports a defect of the image, if any, on standard error.
  private func complain(_ reading: Reading, _ parts: PackedParts) throws(FileError) -> Int32 {
    guard let error = try damage(reading, parts) else { return 0 }
    standardError("leafroot: \(error)\n")
    return 1
  }

  private func damage(_ reading: Reading, _ parts: PackedParts) throws(FileError) -> FileError? {
    if let lookalike = lookalike(reading) { return lookalike }
    return try parts.damage(reading)
  }

  /// Names what people hand over in place of an initramfs.
  private func lookalike(_ reading: Reading) -> FileError? {
    guard reading.members.isEmpty else { return nil }
    do throws(FileError) {
      _ = try ImageFile(image)
      return nil
    } catch {
      return error
    }
  }
}
