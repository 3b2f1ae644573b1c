// SPDX-License-Identifier: MIT

import SystemPackage
import TestSupport

/// A layout with container images, built by hand: image-layout.md, layer.md, config.md.
struct ImageLayout {
  let directory: TemporaryDirectory
  let path: FilePath

  init(in directory: TemporaryDirectory) throws {
    self.directory = directory
    path = directory.path.appending("layout")
    try directory.shell("mkdir -p layout/blobs/sha256")
    try directory.file("layout/oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
  }

  func digest(_ bytes: [UInt8]) throws -> String {
    let sum = try Command(["sha256sum"], input: bytes).output()
    return "sha256:" + String(decoding: sum.prefix(64), as: UTF8.self)
  }

  /// Puts a blob into the layout.
  /// - Returns: its descriptor.
  func blob(
    _ bytes: [UInt8], _ type: String = "application/vnd.oci.image.layer.v1.tar",
    _ more: String = ""
  ) throws -> String {
    let digest = try digest(bytes)
    try directory.file("layout/blobs/sha256/\(digest.dropFirst(7))", bytes)
    return #"{"mediaType":"\#(type)","digest":"\#(digest)","size":\#(bytes.count)\#(more)}"#
  }

  /// Puts an image of `layers` into the layout.
  /// - Returns: the descriptor of its manifest.
  func image(
    _ layers: [[TarWriterRecord]], architecture: String = "amd64", name: String? = nil,
    compress: Bool = false, diffIDs: [String]? = nil, variant: String? = nil, tail: Int = 0
  ) throws -> String {
    let tars = layers.map { tar($0) + [UInt8](repeating: 0, count: tail) }
    return try image(
      blobs: compress ? try tars.map { try Command(["gzip", "-c"], input: $0).output() } : tars,
      architecture: architecture, name: name, diffIDs: try diffIDs ?? tars.map(digest),
      variant: variant)
  }

  /// The same of layers as they are stored.
  func image(
    blobs: [[UInt8]], type: String = "application/vnd.oci.image.layer.v1.tar",
    architecture: String = "amd64", name: String? = nil, diffIDs: [String]? = nil,
    variant: String? = nil, system: String = "linux"
  ) throws -> String {
    let ids = try diffIDs ?? blobs.map(digest)
    let more = variant.map { #","variant":"\#($0)""# } ?? ""
    let config = #"""
      {"os":"\#(system)","architecture":"\#(architecture)"\#(more),"config":{"Entrypoint":["/start"],"Cmd":["now"]},
      "rootfs":{"type":"layers","diff_ids":[\#(ids.map { "\"\($0)\"" }.joined(separator: ","))]}}
      """#
    let blobs = try blobs.map { try blob($0, type) }
    let configBlob = try blob(Array(config.utf8), "application/vnd.oci.image.config.v1+json")
    let manifest = #"""
      {"schemaVersion":2,"config":\#(configBlob),"layers":[\#(blobs.joined(separator: ","))]}
      """#
    let label = name.map { #","annotations":{"org.opencontainers.image.ref.name":"\#($0)"}"# } ?? ""
    return try blob(
      Array(manifest.utf8), "application/vnd.oci.image.manifest.v1+json", label)
  }

  func index(_ images: String...) throws {
    try directory.file(
      "layout/index.json",
      Array(#"{"schemaVersion":2,"manifests":[\#(images.joined(separator: ","))]}"#.utf8))
  }
}
