// SPDX-License-Identifier: MIT

/// What the kit's container runtimes said, as `Scripts/kit/runtimes` prints it:
/// `NAME<TAB>ok|FAILED<TAB>DETAIL`, a line each.
public struct RuntimeResults: Equatable, Sendable {
  /// `ok` or `FAILED`, by the runtime's name.
  public let all: [String: String]

  /// Reads the lines among others.
  public init(_ lines: some Sequence<some StringProtocol>) {
    var all: [String: String] = [:]
    for line in lines {
      let fields = String(line).split(separator: "\t", omittingEmptySubsequences: false)
      guard fields.count >= 2, fields[1] == "ok" || fields[1] == "FAILED" else { continue }
      all[String(fields[0])] = String(fields[1])
    }
    self.all = all
  }

  /// The names of those that ran a container, sorted.
  public var passing: [String] { all.filter { $0.value == "ok" }.keys.sorted() }
}
