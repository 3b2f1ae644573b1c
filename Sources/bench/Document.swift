// SPDX-License-Identifier: MIT

import Files
import Initramfs
import SystemPackage

extension Results {
  private static var begin: String { "<!-- bench:begin -->\n" }
  private static var end: String { "<!-- bench:end -->\n" }

  /// Puts the table of costs between the two marks of the document at `path`.
  func update(document path: FilePath) throws {
    let old = try text(of: path)
    guard let begin = old.firstRange(of: Results.begin), let end = old.firstRange(of: Results.end),
      begin.upperBound <= end.lowerBound
    else {
      throw FileError(
        path, found: "no place for the table",
        expected: "the lines <!-- bench:begin --> and <!-- bench:end -->")
    }
    let new = old[..<begin.upperBound] + markdown + old[end.lowerBound...]
    let output = try OutputFile(path)
    try output.write(Array(new.utf8))
    try output.commit(permissions: [.ownerReadWrite, .groupRead, .otherRead])
  }

  private var markdown: String {
    var lines = [
      "| | real init | over stock | least memory | with `size=90%` |", "|---|--:|--:|--:|--:|",
    ]
    for time in times {
      let title = time.variant.title.replacing("|", with: "\\|")
      let start = time.uptime.map { "\(fixed($0, 2)) s" } ?? "–"
      let over = time.variant == .stock ? nil : overStock(time.variant)
      let delay = over.map { ($0 < 0 ? "" : "+") + "\(fixed($0, 2)) s" } ?? ""
      let memory = [nil, "size=90%"].map { options in
        least(time.variant, options: options).map { "\($0) MiB" } ?? "–"
      }
      lines.append("| \(title) | \(start) | \(delay) | \(memory[0]) | \(memory[1]) |")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
