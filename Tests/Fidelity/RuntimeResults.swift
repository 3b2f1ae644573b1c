// SPDX-License-Identifier: MIT

/// The results of the kit's container runtimes, as printed by `Scripts/kit/runtimes`: lines of
/// `NAME<TAB>ok|FAILED<TAB>DETAIL`.
public struct RuntimeResults: Equatable, Sendable {
  /// `ok` or `FAILED`, by the runtime's name.
  public let all: [String: String]

  /// Reads the results among other lines.
  public init(_ lines: some Sequence<some StringProtocol>) {
    var all: [String: String] = [:]
    for line in lines {
      let fields = String(line).split(separator: "\t", omittingEmptySubsequences: false)
      guard fields.count >= 2, fields[1] == "ok" || fields[1] == "FAILED" else { continue }
      all[String(fields[0])] = String(fields[1])
    }
    self.all = all
  }

  /// The names of the runtimes that ran a container, sorted.
  public var passing: [String] { all.filter { $0.value == "ok" }.keys.sorted() }
}
