// SPDX-License-Identifier: MIT

import ArgumentParser
import Glibc
import Initramfs
import SystemPackage

/// `leafroot unpack`: what the kernel would make of an image.
struct Unpack: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unpack",
    abstract: "Make the tree that the kernel would make of an initramfs.",
    discussion: """
      DIR is made, or is an empty directory. No name in IMAGE leads out of it, neither by .., nor \
      by a symbolic link. Entries that the kernel would lose without a word are lost here as \
      well, and are told. Without root there are no devices, no owners, and no setuid and setgid \
      bits.

      Where the kernel would stop with an error, this stops too: DIR has what comes before. If \
      DIR cannot be filled, or this is interrupted, it is left as it was.

      Exit status: 0 done, 1 IMAGE is damaged, 2 not done, 64 wrong usage, 128 + N ended by \
      signal N.
      """)

  @Argument(help: "The initramfs.", completion: .file(), transform: { FilePath($0) })
  var image: FilePath

  @Argument(
    help: ArgumentHelp("The directory to make.", valueName: "dir"), completion: .directory,
    transform: { FilePath($0) })
  var directory: FilePath

  func run() async throws {
    let summary = try await interruptible(failure: 2) {
      let progress = ReadingProgress()
      defer { progress.end() }
      let source = ObservedFile(try InputFile(image)) { progress.update($0, of: $1) }
      return try Unpacking().run(source, into: directory)
    }

    for note in UnpackReport.notes(summary) { standardError("leafroot: \(note)\n") }
    print(UnpackReport.line(summary, directory))
    if let error = UnpackReport.damage(summary, image) {
      standardError("leafroot: \(error)\n")
      throw ExitCode(1)
    }
  }
}

/// What is said of an unpacked image.
enum UnpackReport {
  static func line(_ summary: Unpacking.Summary, _ directory: FilePath) -> String {
    "\(directory): \(summary.entries) entries, \(summary.bytes) bytes of content"
  }

  /// What is not in the tree, though the image is sound.
  static func notes(_ summary: Unpacking.Summary) -> [String] {
    var notes = summary.losses.map { "lost, as the kernel loses it: \($0)" }
    let more = summary.lossCount - summary.losses.count
    if more > 0 { notes.append("lost, as the kernel loses them: \(more) more") }
    if summary.deviceCount > 0 {
      notes.append("not made, for only root can: \(summary.deviceCount) device nodes")
    }
    if summary.ownerCount > 0 {
      notes.append("without their owner, who is not known here: \(summary.ownerCount) entries")
    }
    return notes
  }

  /// What is wrong with the image at `path`; nil if nothing is.
  static func damage(_ summary: Unpacking.Summary, _ path: FilePath) -> FileError? {
    if let refusal = summary.refusal { return refusal.error(path) }
    if summary.isCutShort {
      return FileError(path, found: "the end inside a record", expected: "the rest of it")
    }
    if let member = summary.unsound {
      return FileError(
        path, offset: member.offset, found: "a \(member.codec) member whose check is wrong",
        expected: "one that is sound")
    }
    return nil
  }
}
