// SPDX-License-Identifier: MIT

import Importing

/// Finds the init of a tree without `/init`: init/main.c, `kernel_init`.
struct InitSearch {
  /// In the kernel's order, without the shell.
  private static let candidates = ["/sbin/init", "/etc/init", "/bin/init"]

  private let files: [[UInt8]: TreeFile]

  init(_ files: [TreeFile]) {
    self.files = Dictionary(
      files.flatMap { file in file.names.map { ($0, file) } },
      uniquingKeysWith: { first, _ in first })
  }

  /// nil if there is `/init`, or none of the others.
  var path: String? {
    if leads(Array("init".utf8)) { return nil }
    return Self.candidates.first { leads(Array($0.utf8.dropFirst())) }
  }

  /// Whether the path leads to a file, through symbolic links as the kernel follows them.
  private func leads(_ path: [UInt8]) -> Bool {
    var rest = Array(Self.components(path).reversed())
    var place: [ArraySlice<UInt8>] = []
    var linksLeft = 40
    while let next = rest.popLast() {
      if next.elementsEqual("..".utf8) {
        _ = place.popLast()
        continue
      }
      place.append(next)
      guard let file = files[Array(place.joined(separator: [UInt8(ascii: "/")]))] else {
        return false
      }
      guard file.entry.type == .symbolicLink else {
        if rest.isEmpty { return file.entry.type == .regular }
        continue
      }
      linksLeft -= 1
      if linksLeft < 0 { return false }
      place.removeLast()
      if file.target.first == UInt8(ascii: "/") { place = [] }
      rest += Self.components(file.target).reversed()
    }
    return false
  }

  private static func components(_ path: [UInt8]) -> [ArraySlice<UInt8>] {
    path.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual(".".utf8) }
  }
}
