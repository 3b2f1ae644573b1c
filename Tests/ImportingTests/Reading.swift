// SPDX-License-Identifier: MIT

import Initramfs
import SystemPackage

@testable import Importing

/// The tree at `path`, for x86_64.
func tree(
  _ path: FilePath, _ change: (inout PackSource) -> Void = { _ in }
) throws -> any TreeSource {
  var source = PackSource(
    path, Platform(architecture: "amd64"), workDirectory: path.removingLastComponent())
  change(&source)
  return try source.tree { _, _ in }
}

/// The names of its files, in order.
func names(_ tree: any TreeSource) -> [String] {
  tree.files.flatMap { $0.names.map { String(decoding: $0, as: UTF8.self) } }
}

/// The contents, by the files' first names, with holes as zero bytes.
func contents(_ tree: any TreeSource) throws -> [String: [UInt8]] {
  var contents = try data(tree)
  for file in tree.files {
    guard let sparse = file.sparse else { continue }
    let name = String(decoding: file.names[0], as: UTF8.self)
    var (content, rest) = ([UInt8](repeating: 0, count: Int(sparse.size)), contents[name] ?? [])
    for extent in sparse.extents {
      content.replaceSubrange(
        Int(extent.offset)..<Int(extent.end), with: rest.prefix(Int(extent.count)))
      rest.removeFirst(Int(extent.count))
    }
    contents[name] = content
  }
  return contents
}

/// The contents without holes.
func data(_ tree: any TreeSource) throws -> [String: [UInt8]] {
  var contents: [String: [UInt8]] = [:]
  var name = ""
  try tree.readContents { _, _ in
  } begin: { index in
    name = String(decoding: tree.files[index].names[0], as: UTF8.self)
  } data: { bytes in
    contents[name, default: []] += bytes
  }
  return contents
}

/// The contents as text.
func texts(_ tree: any TreeSource) throws -> [String: String] {
  try contents(tree).mapValues { String(decoding: $0, as: UTF8.self) }
}

/// What an error says; nil if there is none.
func fault(_ body: () throws -> some Any) -> String? {
  do {
    _ = try body()
    return nil
  } catch { return "\(error)" }
}
