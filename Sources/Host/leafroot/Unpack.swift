// SPDX-License-Identifier: MIT

import ArgumentParser
import BootFacts
import Files
import Glibc
import Images
import Initramfs
import Packing
import SystemPackage
import Unpacking

/// `leafroot unpack`: unpacks an image as the kernel does.
struct Unpack: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unpack",
    abstract: "Unpack an initramfs as the kernel does.",
    discussion: """
      unpack creates DIR; an existing DIR must be empty. No name in IMAGE leads out of DIR, \
      neither by .. nor by a symbolic link. unpack skips entries that the kernel skips silently, \
      and reports them. Without root, it sets no owners and no setuid or setgid bits, and skips \
      device nodes.

      Unpacking stops where the kernel stops with an error; DIR then contains what has been \
      unpacked up to there. If DIR cannot be filled, or a signal interrupts unpack, DIR is left \
      as it was.

      Exit status: 0 success; 1 IMAGE is damaged; 2 failure; 64 usage error; 128 + N ended by \
      signal N.
      """)

  @Argument(help: "The initramfs.", completion: .file(), transform: { FilePath($0) })
  var image: FilePath

  @Argument(
    help: ArgumentHelp("The directory to create or fill.", valueName: "dir"),
    completion: .directory,
    transform: { FilePath($0) })
  var directory: FilePath

  @OptionGroup var target: TargetKernel

  func run() async throws {
    try await asVerb {
      var unpacker = DirectoryUnpacker()
      unpacker.rules = KernelRules(of: try await target.version())
      guard let image = try Image.orReport(image) else { return 1 }
      let progress = ReadingProgress()
      defer { progress.end() }
      let source = ImageSequence(try await image.wholeTree()) { progress.update($0, of: $1) }
      let summary = try OutputDirectory(directory).fill(from: source, by: unpacker)
      let damage = try image.damage(summary.image)
      progress.end()

      for note in UnpackReport.notes(summary) { standardError("leafroot: \(note)\n") }
      try Output.print(UnpackReport.line(summary, directory))
      if let damage { standardError("leafroot: \(damage)\n") }
      return damage == nil ? 0 : 1
    }
  }
}

extension Image {
  /// Opens the image at `path`; nil, after a message, if the file is not an image, which counts as
  /// a damaged one.
  /// - Throws: ``FileError`` if the file cannot be read.
  static func orReport(_ path: FilePath) throws -> Image? {
    let file = try InputFile.copyingPipe(path)
    do {
      return try Image(file)
    } catch let error as FileError {
      if case .call = error.fault { throw error }
      standardError("leafroot: \(error)\n")
      return nil
    }
  }
}

/// The report on an unpacked image.
enum UnpackReport {
  static func line(_ summary: DirectoryUnpacker.Summary, _ directory: FilePath) -> String {
    "\(directory): \(summary.entries) entries, \(summary.bytes) bytes of content"
  }

  /// What the tree lacks, although the image is sound.
  static func notes(_ summary: DirectoryUnpacker.Summary) -> [String] {
    var notes = summary.lost.map { lost in
      let name = lost.path.map { "\(quoted($0)): " } ?? ""
      return "skipped \(name)\(lost.text) (as the kernel does)"
    }
    let more = summary.lostCount - summary.lost.count
    if more > 0 {
      notes.append("skipped \(count(more, "more entry", "more entries")) (as the kernel does)")
    }
    if summary.deviceCount > 0 {
      notes.append(
        "skipped \(count(summary.deviceCount, "device node", "device nodes")) (needs root)")
    }
    if summary.ownerCount > 0 {
      let entries = count(summary.ownerCount, "entry", "entries")
      notes.append("did not set the owner of \(entries) (not mapped in this user namespace)")
    }
    if let first = summary.missingXattrs.first {
      let xattrs = count(
        summary.missingXattrs.count, "extended attribute", "extended attributes")
      let name = String(decoding: first.name, as: UTF8.self)
      notes.append(
        "did not set \(xattrs): \(quoted(first.path)): \(name): "
          + String(cString: strerror(first.code)).prefix(1).lowercased()
          + String(cString: strerror(first.code)).dropFirst())
    }
    return notes
  }

  private static func count(_ count: Int, _ one: String, _ many: String) -> String {
    "\(count) \(count == 1 ? one : many)"
  }
}
