// SPDX-License-Identifier: MIT

package import Files
import Glibc
import Subprocess
package import SystemPackage

/// A squashfs, which is read with `sqfs2tar`, of squashfs-tools-ng.
package enum Squashfs {
  private static let program = "sqfs2tar"
  /// Documentation/filesystems/squashfs.rst; fs/squashfs/squashfs_fs.h, SQUASHFS_MAGIC.
  private static let magic = Array("hsqs".utf8)

  /// Whether `file` is a squashfs.
  package static func isOne(_ file: InputFile) throws(FileError) -> Bool {
    try file.bytes(at: 0, count: magic.count) == magic
  }

  /// Returns the content of `file` as a tar archive, with its name and permissions.
  ///
  /// - Parameters:
  ///   - limit: About the most bytes that its files may have; nil for any number.
  ///   - directory: The directory for the archive, which has no name there.
  /// - Returns: The archive, and what the program left out, one note per file.
  /// - Throws: ``FileError``, also if `sqfs2tar` is not installed; `CancellationError`.
  package static func archive(
    of file: InputFile, _ limit: Int64? = nil, in directory: FilePath
  ) async throws -> (file: InputFile, notes: [String]) {
    let scratch = try ScratchFile(in: directory)
    var lines: [String] = []
    let status = try await ChildProgram.run(
      "sh", ["-c", script(limit)], input: try file.duplicate(), output: try scratch.duplicate(),
      missing: "not found in PATH"
    ) { line in
      if !line.isEmpty { lines.append(line) }
    }
    try check(status, lines.last, file.path, limit)
    return (
      try scratch.reopened(as: file.path, file.permissions), lines.map { "\(program): \($0)" }
    )
  }

  /// Runs the program with a limit for the size of its output: setrlimit(2), RLIMIT_FSIZE. The
  /// headers of small files take as much as the files. Not every chroot has /dev/stdin.
  private static func script(_ limit: Int64?) -> String {
    let run = "exec \(program) --root-becomes . /proc/self/fd/0"
    return limit.map { "ulimit -f \(min($0, 1 << 50) / 256) || :; \(run)" } ?? run
  }

  private static func check(
    _ status: TerminationStatus, _ lastLine: String?, _ path: FilePath, _ limit: Int64?
  ) throws(FileError) {
    switch status {
    case .exited(0): return
    case .exited(127):
      throw FileError(
        FilePath(program), "not found in PATH; a squashfs requires squashfs-tools-ng")
    case .signaled(SIGXFSZ): throw Budget.exceeded(limit ?? 0, path)
    default:
      let reason = lastLine.map { ": \($0)" } ?? ""
      throw FileError(path, "cannot be read as a squashfs\(reason)")
    }
  }
}
