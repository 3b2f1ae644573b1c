// SPDX-License-Identifier: MIT

import Files
import FoundationEssentials
import SystemPackage

/// A container image: an OCI image layout, or what `docker save` writes.
struct ContainerImage {
  /// Its layers, from the lowest one.
  let layers: [TarTree.Layer]
  /// What it is meant to run.
  let command: [String]

  private static let layoutName = "oci-layout"
  private static let indexName = "index.json"
  private static let manifestName = "manifest.json"

  /// Whether a store has an image: nil if none.
  enum Kind {
    case oci, docker
  }

  static func kind(_ store: some BlobStore) throws -> Kind? {
    if try store.size(of: layoutName) != nil, try store.size(of: indexName) != nil { return .oci }
    guard try store.size(of: manifestName) != nil,
      let list: [DockerImage] = try? decode(store.document(manifestName)),
      let first = list.first, try store.size(of: first.config) != nil
    else { return nil }
    return .docker
  }

  /// Finds the image that `choice` wants.
  init(_ store: some BlobStore, _ kind: Kind, _ choice: Choice, _ budget: Budget) throws {
    switch kind {
    case .oci: try self.init(layout: store, choice, budget)
    case .docker: try self.init(docker: store, choice, budget)
    }
  }

  // MARK: OCI

  private init(layout store: some BlobStore, _ choice: Choice, _ budget: Budget) throws {
    let index: Index = try Self.read(store, Self.indexName)
    var candidates: [Candidate] = []
    try Self.collect(index, nil, store, depth: 0, into: &candidates)
    let chosen = try choice.choose(among: candidates, in: store.path)

    let (manifest, config) = (chosen.manifest, chosen.config)
    guard manifest.layers.count == config.rootfs.diffIDs.count else {
      throw FileError(
        store.path, found: "\(manifest.layers.count) layers",
        expected: "\(config.rootfs.diffIDs.count), as many as the config has")
    }
    var layers: [TarTree.Layer] = []
    for (descriptor, diffID) in zip(manifest.layers, config.rootfs.diffIDs) {
      let digest = try Self.digest(descriptor.digest, store)
      guard let size = try store.size(of: Self.blob(digest)) else {
        throw FileError(store.path, "has no blob \(digest), a layer of the image")
      }
      layers.append(
        try Self.layer(store, Self.blob(digest), size, digest, diffID, layers.count, budget))
    }
    self.layers = layers
    command = config.command
  }

  /// An image of a layout.
  struct Candidate {
    var names: [String]
    var digest: String
    var manifest: Manifest
    var config: Config
  }

  private static func collect(
    _ index: Index, _ name: String?, _ store: some BlobStore, depth: Int,
    into candidates: inout [Candidate]
  ) throws {
    guard depth < 4 else { throw FileError(store.path, "has an index in an index, four times") }
    for descriptor in index.manifests {
      let name = descriptor.annotations?["org.opencontainers.image.ref.name"] ?? name
      // BuildKit keeps its attestations beside the images.
      if descriptor.platform?.os == "unknown" { continue }
      let digest = try digest(descriptor.digest, store)
      switch descriptor.mediaType {
      case "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json":
        let inner: Index = try read(store, blob(digest), digest)
        try collect(inner, name, store, depth: depth + 1, into: &candidates)
      case "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json":
        if let known = candidates.firstIndex(where: { $0.digest == descriptor.digest }) {
          if let name { candidates[known].names.append(name) }
          continue
        }
        // Of an index for many platforms a layout mostly has one.
        guard try store.size(of: blob(digest)) != nil else { continue }
        let manifest: Manifest = try read(store, blob(digest), digest)
        let configDigest = try Self.digest(manifest.config.digest, store)
        // What is no image has another config.
        guard let config: Config = try? read(store, blob(configDigest), configDigest) else {
          continue
        }
        candidates.append(
          Candidate(
            names: name.map { [$0] } ?? [], digest: descriptor.digest, manifest: manifest,
            config: config))
      default: continue
      }
    }
  }

  private static func digest(_ text: String, _ store: some BlobStore) throws(FileError) -> Digest {
    guard let digest = Digest(text) else {
      throw FileError(
        store.path, found: "the digest '\(text)'", expected: "sha256:… or sha512:…")
    }
    return digest
  }

  private static func blob(_ digest: Digest) -> String {
    "blobs/\(digest.algorithm.rawValue)/\(digest.hex)"
  }

  // MARK: docker save

  private init(docker store: some BlobStore, _ choice: Choice, _ budget: Budget) throws {
    let list: [DockerImage] = try Self.read(store, Self.manifestName)
    var candidates: [Candidate] = []
    for image in list {
      let config: Config = try Self.read(store, image.config)
      let layers = image.layers.map { Descriptor(mediaType: "", digest: $0) }
      candidates.append(
        Candidate(
          names: image.tags ?? [], digest: image.config,
          manifest: Manifest(
            config: Descriptor(mediaType: "", digest: image.config), layers: layers),
          config: config))
    }
    let chosen = try choice.choose(among: candidates, in: store.path)

    let diffIDs = chosen.config.rootfs.diffIDs
    guard chosen.manifest.layers.count == diffIDs.count else {
      throw FileError(
        store.path, found: "\(chosen.manifest.layers.count) layers",
        expected: "\(diffIDs.count), as many as the config has")
    }
    var layers: [TarTree.Layer] = []
    for (descriptor, diffID) in zip(chosen.manifest.layers, diffIDs) {
      guard let size = try store.size(of: descriptor.digest) else {
        throw FileError(store.path, "has no \(descriptor.digest), a layer of the image")
      }
      layers.append(
        try Self.layer(store, descriptor.digest, size, nil, diffID, layers.count, budget))
    }
    self.layers = layers
    command = chosen.config.command
  }

  // MARK: Layers

  private static func layer(
    _ store: some BlobStore, _ name: String, _ size: Int64, _ digest: Digest?, _ diffID: String,
    _ index: Int, _ budget: Budget
  ) throws -> TarTree.Layer {
    let content = try Self.digest(diffID, store)
    let title = "layer \(index + 1)"
    return TarTree.Layer(name: title, size: size) { isVerified, onRead in
      var stream = try store.open(name, onRead: onRead)
      if isVerified, let digest {
        stream = VerifiedStream(store.path, title, stream, is: digest)
      }
      // What is decoded a second time has passed the budget.
      let limit = isVerified ? budget : Budget(.max)
      let decoded = try DecodedStream(store.path, stream, limit)
      guard isVerified else { return decoded }
      return VerifiedStream(
        store.path, "\(title), decompressed,", PairedStream(decoded, over: stream), is: content)
    }
  }

  private static func read<Document: Decodable>(
    _ store: some BlobStore, _ name: String, _ digest: Digest? = nil
  ) throws -> Document {
    let bytes = try store.document(name, is: digest)
    do { return try decode(bytes) } catch {
      throw FileError(store.path, "has \(name), which is not the JSON that it should be: \(error)")
    }
  }

  private static func decode<Document: Decodable>(_ bytes: [UInt8]) throws -> Document {
    try JSONDecoder().decode(Document.self, from: Data(bytes))
  }
}

/// A stream that is decoded from another one, which is read to its end as well.
private final class PairedStream: ByteStream {
  private let stream: any ByteStream
  private let base: any ByteStream

  init(_ stream: any ByteStream, over base: any ByteStream) {
    self.stream = stream
    self.base = base
  }

  func next() throws -> UnsafeRawBufferPointer {
    let bytes = try stream.next()
    if bytes.isEmpty { try base.drain() }
    return bytes
  }
}

// MARK: Documents

/// descriptor.md.
struct Descriptor: Decodable {
  struct Platform: Decodable {
    var os: String
  }

  var mediaType: String
  var digest: String
  var platform: Platform?
  var annotations: [String: String]?
}

/// image-index.md.
private struct Index: Decodable {
  var manifests: [Descriptor]
}

/// manifest.md.
struct Manifest: Decodable {
  var config: Descriptor
  var layers: [Descriptor]
}

/// config.md.
struct Config: Decodable {
  struct Execution: Decodable {
    var entrypoint: [String]?
    var command: [String]?

    enum CodingKeys: String, CodingKey {
      case entrypoint = "Entrypoint"
      case command = "Cmd"
    }
  }

  struct RootFS: Decodable {
    var diffIDs: [String]

    enum CodingKeys: String, CodingKey {
      case diffIDs = "diff_ids"
    }
  }

  var os: String
  var architecture: String
  var variant: String?
  var config: Execution?
  var rootfs: RootFS

  var command: [String] { (config?.entrypoint ?? []) + (config?.command ?? []) }
}

/// An image in the manifest.json of `docker save`.
private struct DockerImage: Decodable {
  var config: String
  var tags: [String]?
  var layers: [String]

  enum CodingKeys: String, CodingKey {
    case config = "Config"
    case tags = "RepoTags"
    case layers = "Layers"
  }
}
