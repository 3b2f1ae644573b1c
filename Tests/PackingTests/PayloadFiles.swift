// SPDX-License-Identifier: MIT

import Images
import Importing
import SystemPackage

/// The files of the payload of a packed image by their names, in order.
func payloadFiles(of image: FilePath) throws -> [(name: String, bytes: [UInt8])] {
  let tree = try ImageTree(Image(path: image))
  var files: [(name: String, bytes: [UInt8])] = []
  try tree.readContents { index in
    files.append((String(decoding: tree.files[index].names[0], as: UTF8.self), []))
  } data: { bytes in
    files[files.count - 1].bytes += bytes
  }
  let directory = ".leafroot/0123456789abcdef/"
  return files.filter { $0.name.hasPrefix(".leafroot/") }
    .map { (String($0.name.dropFirst(directory.count)), $0.bytes) }
}

/// Its sidecars as text.
func sidecars(of image: FilePath) throws -> [String: String] {
  var sidecars: [String: String] = [:]
  for file in try payloadFiles(of: image) where file.name.hasSuffix(".extra") {
    sidecars[file.name] = String(decoding: file.bytes, as: UTF8.self)
  }
  return sidecars
}
