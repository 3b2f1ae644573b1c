// SPDX-License-Identifier: MIT

import Foundation
import Newc
import SystemPackage
import TestSupport
import Testing

@testable import Importing

/// Container images, built by hand: image-layout.md, layer.md, config.md.
@Suite struct ContainerImageTests {
  private let directory: TemporaryDirectory
  private let layout: ImageLayout

  init() throws {
    directory = try TemporaryDirectory()
    layout = try ImageLayout(in: directory)
  }

  private func fault(_ change: (inout PackSource) -> Void = { _ in }) -> String? {
    ImportingTests.fault { try tree(layout.path, change) }.map {
      String($0.dropFirst("\(layout.path): ".count))
    }
  }

  private let layers: [[TarWriterRecord]] = [
    [
      .directory("etc"), .file("etc/a", "a"), .file("etc/b", "b"), .directory("var"),
      .file("var/x", "x"), .directory("var/deep"), .file("var/deep/y", "y"), .file("keep", "k"),
      .directory("gone"), .file("gone/z", "z"),
    ],
    [
      // The whiteouts come last, and hide nothing of their own layer.
      .file("var/new", "new"), .file("etc/.wh.a", ""), .file("var/.wh..wh..opq", ""),
      .file(".wh.gone", ""), .file("etc/.wh..wh.aufs", ""), .hardLink("kept", to: "keep"),
      .directory("etc").with { $0.mode = 0o700 },
    ],
    [.file("keep", "changed"), .file("etc/a", "back")],
  ]

  @Test(arguments: [false, true])
  func `layers are applied with their whiteouts`(compress: Bool) throws {
    try layout.index(try layout.image(layers, compress: compress))
    let tree = try tree(layout.path)
    #expect(
      try texts(tree) == [
        "etc/a": "back", "etc/b": "b", "var/new": "new", "keep": "changed", "kept": "k",
      ])
    #expect(names(tree) == ["", "etc", "etc/a", "etc/b", "keep", "kept", "var", "var/new"])
    #expect(tree.files[1].entry.mode == 0o040700)
    #expect(tree.notes == ["command of the image: /start now"])
  }

  @Test func `a layout in an archive, compressed too, is the same image`() throws {
    try layout.index(try layout.image(layers))
    let expected = try tree(layout.path)
    for option in ["", "-z", "--zstd"] {
      try directory.shell("tar \(option) -cf archive -C layout .")
      let found = try tree(directory.path.appending("archive"))
      #expect(found.files == expected.files)
      #expect(try contents(found) == contents(expected))
    }
    #expect(try directory.names == ["archive", "layout"])
  }

  @Test func `docker save's archive is the same image`() throws {
    let tars = layers.map(tar)
    let ids = try tars.map { "\"\(try layout.digest($0))\"" }.joined(separator: ",")
    try directory.shell("mkdir -p saved/one")
    let config = #"""
      {"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[\#(ids)]}}
      """#
    try directory.file("saved/config.json", Array(config.utf8))
    try directory.file("saved/one/layer.tar", tars[0])
    try directory.file("saved/two.tar", tars[1])
    try directory.file("saved/real.tar", tars[2])
    let manifest = #"""
      [{"Config":"config.json","RepoTags":["a/b:c"],"Layers":["one/layer.tar","two.tar","one/link"]}]
      """#
    try directory.file("saved/manifest.json", Array(manifest.utf8))
    let script = "ln -s ../real.tar saved/one/link && tar -cf archive -C saved ."
    try directory.shell(script)

    try layout.index(try layout.image(layers))
    let found = try tree(directory.path.appending("archive")) { $0.reference = "a/b:c" }
    #expect(found.files == (try tree(layout.path).files))
    #expect(try texts(found)["keep"] == "changed")
  }

  @Test func `a blob that is not its digest is refused`() throws {
    try layout.index(try layout.image(layers))
    let digest = try layout.digest(tar(layers[1]))
    let name = "layout/blobs/sha256/\(digest.dropFirst(7))"
    var bytes = try directory.bytes(name)
    bytes[700] ^= 1
    try directory.file(name, bytes)
    let fault = fault()
    #expect(
      fault?.hasPrefix("found layer 2 (\(digest)) with digest sha256:") == true, "\(fault ?? "")")
    #expect(fault?.hasSuffix("expected \(digest)") == true)
  }

  @Test func `a config that is not its digest, or is missing, is refused`() throws {
    try layout.index(try layout.image(layers))
    let document = try directory.shell("grep -l diff_ids layout/blobs/sha256/*")
    let name = String(decoding: document, as: UTF8.self).trimmingCharacters(in: .newlines)
    let bytes = try directory.bytes(name)
    try directory.file(name, bytes + [0x20])
    let blob = name.dropFirst("layout/".count)
    #expect(fault()?.hasPrefix("found \(blob) with digest sha256:") == true, "\(fault() ?? "")")
    try FileManager.default.removeItem(atPath: directory.path.appending(name).string)
    #expect(fault() == "has no \(blob)")
  }

  @Test func `an artifact that is no image is passed over`() throws {
    let empty = try layout.blob(Array("{}".utf8), "application/vnd.oci.empty.v1+json")
    let manifest = #"{"schemaVersion":2,"config":\#(empty),"layers":[\#(empty)]}"#
    let artifact = try layout.blob(
      Array(manifest.utf8), "application/vnd.oci.image.manifest.v1+json")
    try layout.index(artifact)
    #expect(fault() == "has no image")
    try layout.index(artifact, try layout.image([[.file("x", "one")]]))
    #expect(try texts(tree(layout.path)) == ["x": "one"])
  }

  @Test func `a layer that is not what the config says is refused`() throws {
    let ids = try [layers[0], layers[0], layers[2]].map { try layout.digest(tar($0)) }
    try layout.index(try layout.image(layers, compress: true, diffIDs: ids))
    let fault = fault()
    #expect(fault?.hasPrefix("found layer 2 (sha256:") == true, "\(fault ?? "")")
    #expect(fault?.contains("), decompressed, with digest sha256:") == true)
    try layout.index(try layout.image(layers, diffIDs: []))
    #expect(self.fault() == "found 3 layers, expected 0, as many as the config has")
  }

  @Test func `of an image for several platforms the right one is taken`() throws {
    let images = [
      try layout.image([[.file("x", "x86")]]),
      try layout.image([[.file("x", "arm")]], architecture: "arm64"),
      try layout.image(blobs: [tar([.file("x", "other")])], system: "windows"),
    ]
    let inner = Array(#"{"manifests":[\#(images.joined(separator: ","))]}"#.utf8)
    try layout.index(try layout.blob(inner, "application/vnd.oci.image.index.v1+json"))
    #expect(try texts(tree(layout.path)) == ["x": "x86"])
    let arm = try tree(layout.path) { $0.platform = Platform("linux/arm64")! }
    #expect(try texts(arm) == ["x": "arm"])
    #expect(
      fault { $0.platform = Platform("linux/riscv64")! }
        == "has no image for linux/riscv64; platforms: linux/amd64, linux/arm64, windows/amd64")
  }

  @Test(arguments: [
    ("linux/arm/v7", "v7"), ("linux/arm/v6", "v6"), ("linux/arm64", "v8"), ("linux/arm64/v8", "v8"),
  ])
  func `of several variants of a platform the one that is named is taken`(
    platform: String, expected: String
  ) throws {
    try layout.index(
      try layout.image([[.file("x", "v6")]], architecture: "arm", variant: "v6"),
      try layout.image([[.file("x", "v7")]], architecture: "arm", variant: "v7"),
      try layout.image([[.file("x", "v8")]], architecture: "arm64", variant: "v8"))
    let found = try tree(layout.path) { $0.platform = Platform(platform)! }
    #expect(try texts(found) == ["x": expected])
  }

  @Test func `twin: without a variant any will do, and another one is no fit`() throws {
    try layout.index(
      try layout.image([[.file("x", "v6")]], architecture: "arm", variant: "v6"),
      try layout.image([[.file("x", "v7")]], architecture: "arm", variant: "v7"))
    #expect(
      fault { $0.platform = Platform("linux/arm")! }
        == "has 2 images for linux/arm, choose with --reference; names: none")
    #expect(
      fault { $0.platform = Platform("linux/arm/v5")! }
        == "has no image for linux/arm/v5; platforms: linux/arm/v6, linux/arm/v7")
  }

  /// containerd's platforms package, normalizeArch().
  @Test func `an image without a variant is arm/v7 or arm64/v8`() throws {
    try layout.index(
      try layout.image([[.file("x", "32")]], architecture: "arm"),
      try layout.image([[.file("x", "64")]], architecture: "arm64"))
    func text(_ platform: String) throws -> [String: String] {
      try texts(tree(layout.path) { $0.platform = Platform(platform)! })
    }
    #expect(try text("linux/arm/v7") == ["x": "32"])
    #expect(try text("linux/arm64/v8") == ["x": "64"])
    #expect(throws: (any Error).self) { try text("linux/arm/v6") }
    #expect(throws: (any Error).self) { try text("linux/arm64/v9") }
    #expect(throws: (any Error).self) { try text("linux/amd64/v1") }
  }

  @Test func `layers that decompress to more than the limit are refused`() throws {
    // Zeros behind the end of an archive are no file's.
    try layout.index(
      try layout.image([[.file("a", "a")], [.file("b", "b")]], compress: true, tail: 3 << 20))
    #expect(try names(tree(layout.path) { $0.limit = 7 << 20 }) == ["", "a", "b"])
    // One alone would fit.
    let fault = fault { $0.limit = 4 << 20 }
    #expect(fault?.hasPrefix("layer 2 (sha256:") == true)
    #expect(fault?.hasSuffix("): has more than 4 MiB, the limit of --max-size") == true)
  }

  @Test(arguments: [false, true])
  func `bytes behind the end of a layer count for its digest`(compress: Bool) throws {
    try layout.index(try layout.image(layers, compress: compress))
    let tar = tar(layers[0])
    let digest = try layout.digest(
      compress ? try Command(["gzip", "-c"], input: tar).output() : tar)
    let name = "layout/blobs/sha256/\(digest.dropFirst(7))"
    let bytes = try directory.bytes(name)
    try directory.file(name, bytes + [UInt8](repeating: 0, count: 600_000))
    #expect(fault()?.contains("digest sha256:") == true, "\(fault() ?? "")")
    try directory.file(name, bytes)
    #expect(fault() == nil)
  }

  @Test func `a document has at most 4 MiB, and an index is in at most three others`() throws {
    let descriptor = try layout.image([[.file("x", "one")]])
    let document = Array(#"{"manifests":[\#(descriptor)]}"#.utf8)
    let spaces = [UInt8](repeating: 0x20, count: (4 << 20) - document.count)
    try directory.file("layout/index.json", document + spaces)
    #expect(try texts(tree(layout.path)) == ["x": "one"])
    try directory.file("layout/index.json", document + spaces + [0x20])
    #expect(fault() == "found index.json of 4194305 bytes, expected at most 4194304")

    var inner = descriptor
    for depth in 1...4 {
      inner = try layout.blob(
        Array(#"{"manifests":[\#(inner)]}"#.utf8), "application/vnd.oci.image.index.v1+json")
      try layout.index(inner)
      #expect(fault() == (depth < 4 ? nil : "has an index in an index, four times"), "\(depth)")
    }
  }

  @Test func `one of several images is chosen by its name`() throws {
    try layout.index(
      try layout.image([[.file("x", "one")]], name: "one"),
      try layout.image([[.file("x", "two")]], name: "two"))
    #expect(try texts(tree(layout.path) { $0.reference = "two" }) == ["x": "two"])
    #expect(
      fault() == "has 2 images for linux/amd64, choose with --reference; names: one, two")
    #expect(fault { $0.reference = "three" } == "has no image of the name 'three'; names: one, two")
  }

  @Test func `the name may lack the registry, unless it is the whole name of another image`() throws
  {
    try layout.index(
      try layout.image([[.file("x", "docker")]], name: "docker.io/library/node:12"),
      try layout.image([[.file("x", "local")]], name: "localhost/node:12"),
      try layout.image([[.file("x", "other")]], name: "localhost/other-node:13"))
    #expect(try texts(tree(layout.path) { $0.reference = "library/node:12" }) == ["x": "docker"])
    #expect(
      fault { $0.reference = "node:12" }?.hasPrefix("has 2 images for linux/amd64") == true)
    #expect(fault { $0.reference = "node:13" }?.hasPrefix("has no image of the name") == true)
    try layout.index(
      try layout.image([[.file("x", "long")]], name: "localhost/node:12"),
      try layout.image([[.file("x", "short")]], name: "node:12"))
    #expect(try texts(tree(layout.path) { $0.reference = "node:12" }) == ["x": "short"])
  }

  @Test func `names in documents lead to no other file`() throws {
    try directory.file("secret", Array(#"{"os":"linux"}"#.utf8))
    let digest = "sha256:../../../secret"
    try layout.index(
      #"{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"\#(digest)","size":1}"#)
    #expect(fault() == "found the digest '\(digest)', expected sha256:… or sha512:…")
    // Of another length, in upper case, of another algorithm.
    let digits = String(repeating: "a", count: 64)
    #expect(Digest("sha256:\(digits)") != nil)
    for text in ["sha256:\(digits)a", "sha256:\(digits.uppercased())", "md5:\(digits)"] {
      #expect(Digest(text) == nil, "\(text)")
    }
    let store = BlobDirectory(path: layout.path)
    #expect(store.size(of: "../secret") == nil)
    #expect(store.size(of: "oci-layout") != nil)
  }

  @Test func `layers write through absolute links, inside of the tree`() throws {
    try layout.index(
      try layout.image([
        [.link("var/run", to: "/run"), .file("run/old", "old"), .link("evil", to: "/../etc")],
        [.file("var/run/pid", "1"), .file("var/run/.wh.old", ""), .file("evil/passwd", "x")],
      ]))
    #expect(try texts(tree(layout.path)) == ["run/pid": "1", "etc/passwd": "x"])
  }

  /// A fault of each kind in the second of two layers.
  @Test(arguments: [
    "is not a directory", "digest", "archive", "is encrypted", "--max-size", "is missing", "volume",
  ])
  func `every error in a layer names its number and digest`(kind: String) throws {
    var second = tar([.file("f", "x")])
    switch kind {
    case "is not a directory": second = tar([.file("f", "x"), .file("f/x", "y")])
    case "archive": second = Array(repeating: 0x61, count: 2048)
    case "--max-size":
      second = tar([.file("f", "").with { $0.content = [UInt8](repeating: 1, count: 2 << 20) }])
    case "volume": second = tar([.file("f", "x").with { $0.type = "M" }])
    default: break
    }
    let type = "application/vnd.oci.image.layer.v1.tar"
    try layout.index(
      try layout.image(
        blobs: [tar([.file("a", "a")]), second],
        type: kind == "is encrypted" ? "\(type)+encrypted" : type))
    let digest = try layout.digest(second)
    let name = "layout/blobs/sha256/\(digest.dropFirst(7))"
    if kind == "digest" { try directory.file(name, second + [0]) }
    if kind == "is missing" {
      try FileManager.default.removeItem(atPath: directory.path.appending(name).string)
    }
    // Where there are two, the first of them ends the packing.
    let number = kind == "is encrypted" ? 1 : 2
    let expected = number == 1 ? try layout.digest(tar([.file("a", "a")])) : digest
    let fault = fault { $0.limit = 1 << 20 }
    #expect(fault?.contains("layer \(number) (\(expected))") == true, "\(fault ?? "none")")
    #expect(fault?.contains(kind) == true, "\(fault ?? "none")")
  }

  @Test(arguments: [[], ["gzip", "-c"], ["zstd", "-qc"]])
  func `a layer of no bytes is an empty layer`(compressor: [String]) throws {
    let tars = [tar([.file("a", "a")]), [], tar([.file("b", "b")])]
    let blobs =
      compressor.isEmpty ? tars : try tars.map { try Command(compressor, input: $0).output() }
    try layout.index(try layout.image(blobs: blobs, diffIDs: try tars.map(layout.digest)))
    #expect(try texts(tree(layout.path)) == ["a": "a", "b": "b"])
  }

  @Test func `broken documents are refused`() throws {
    try directory.file("layout/index.json", Array("{".utf8))
    #expect(fault()?.hasPrefix("has index.json, which is not the JSON that it should be") == true)
    try layout.index()
    #expect(fault() == "has no image")
    try directory.file("layout/index.json", [UInt8](repeating: 0x20, count: 5 << 20))
    #expect(fault() == "found index.json of 5242880 bytes, expected at most 4194304")
  }
}
