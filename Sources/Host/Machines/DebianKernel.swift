// SPDX-License-Identifier: MIT

public import Files
public import Packing
import Subprocess
public import SystemPackage

/// A Debian kernel, by name: `debian:6.12`, `debian:6.12-generic`, `debian:6.12-aarch64`.
///
/// Scripts/fetch-kernels puts it into the cache.
public struct DebianKernel: Equatable, Sendable {
  /// The name, as the user gave it.
  public let text: String
  /// The name for the script: SERIES-ARCH, SERIES-generic-ARCH.
  public let name: String

  private static let prefix = "debian:"

  /// Whether `text` is such a name rather than that of a file.
  static func isName(_ text: String) -> Bool { text.hasPrefix(prefix) }

  /// Parses a name; nil if `text` is the name of a file.
  /// - Parameter wanted: The required architecture; nil for the one in the name, or this machine's.
  /// - Throws: ``FileError`` if it names no kernel, or one for another architecture.
  public init?(_ text: String, for wanted: Architecture? = nil) throws(FileError) {
    guard Self.isName(text) else { return nil }
    var words = text.dropFirst(Self.prefix.count)
      .split(separator: "-", omittingEmptySubsequences: false)
    var architecture = wanted ?? .host
    if words.count > 1, let named = Architecture(rawValue: String(words[words.count - 1])) {
      if let wanted, wanted != named {
        throw FileError(FilePath(text), "is a kernel for \(named), not for \(wanted)")
      }
      architecture = named
      words.removeLast()
    }
    let isGeneric = words.count == 2 && words[1] == "generic"
    guard words.count == (isGeneric ? 2 : 1), Self.isSeries(words[0]) else {
      throw FileError(
        FilePath(text),
        "is not a kernel of Debian; name one as debian:6.12, "
          + "debian:6.12-generic or debian:6.12-aarch64")
    }
    self.text = text
    name = "\(words[0])\(isGeneric ? "-generic" : "")-\(architecture)"
  }

  /// Whether `text` is a pair of numbers.
  private static func isSeries(_ text: Substring) -> Bool {
    let numbers = text.split(separator: ".", omittingEmptySubsequences: false)
    return numbers.count == 2
      && numbers.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { 0x30...0x39 ~= $0 } }
  }

  /// The progress of fetching a kernel.
  public enum Progress: Equatable, Sendable {
    /// A step begins.
    case step(String)
    /// The completed percentage of the step.
    case percent(Double)

    /// Parses a line from the script's standard error: its own, or apt-get's progress
    /// (APT::Status-Fd; apt's README.progress-reporting); nil if it reports no progress.
    init?(_ line: String) {
      let fields = line.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
      if fields.count == 4, fields[0] == "dlstatus" {
        guard let percent = Double(fields[2]) else { return nil }
        self = .percent(percent)
      } else if let text = DebianKernel.text(line) {
        self = .step(text)
      } else {
        return nil
      }
    }
  }

  /// The line without the name of the program that wrote it; nil if nothing is left, or it is an
  /// error.
  private static func text(_ line: String) -> String? {
    if line.isEmpty || error(line) != nil { return nil }
    return line.removingPrefix(["fetch-kernels: ", "W: "]) ?? line
  }

  /// The error in a line of the script or of apt-get; nil if it is not an error.
  private static func error(_ line: String) -> String? {
    line.removingPrefix(["fetch-kernels: error: ", "E: "])
  }

  /// Fetches the kernel into the cache unless it is there.
  ///
  /// If the task is cancelled, SIGTERM is sent to the script and the programs that it started.
  /// - Parameter script: Scripts/fetch-kernels.
  /// - Returns: The path of the kernel.
  /// - Throws: ``FileError``; `CancellationError`.
  public func fetch(
    with script: FilePath, onProgress: @escaping @Sendable (Progress) -> Void
  ) async throws -> FilePath {
    var reason = ""
    let (path, status) = try await ChildProgram.output(
      of: "sh", [script.string, "--path", name],
      // The whole session gets it, including apt-get.
      teardown: [
        .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: .seconds(5))
      ], missing: "not found in PATH"
    ) { line in
      // This function throws the error instead of showing it as progress.
      if let error = DebianKernel.error(line) { reason = error }
      guard let progress = Progress(line) else { return }
      if case .step(let text) = progress { reason = text }
      onProgress(progress)
    }
    guard status.isSuccess, !path.isEmpty else {
      throw FileError(FilePath(text), reason.isEmpty ? "\(script) failed" : reason)
    }
    return FilePath(path)
  }
}

extension String {
  /// The rest after the first of `prefixes` that matches; nil if none does.
  fileprivate func removingPrefix(_ prefixes: [String]) -> String? {
    prefixes.first(where: hasPrefix).map { String(dropFirst($0.count)) }
  }
}
