// SPDX-License-Identifier: MIT

import Files
import FoundationEssentials
import SystemPackage

/// A container image: an OCI image layout, or an archive of `docker save`.
struct ContainerImage {
  /// Its layers, from the lowest one.
  let layers: [TarTree.Layer]
  /// The command that the image is configured to run.
  let command: [String]

  private static let layoutName = "oci-layout"
  private static let indexName = "index.json"
  private static let manifestName = "manifest.json"

  /// The format of an image in a store.
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

  /// An image in a store.
  struct Candidate {
    var names: [String]
    /// The digest of its manifest, or else of its config.
    var id: String
    /// Its layers as stored, from the lowest one.
    var layers: [Blob]
    var config: Config
  }

  /// A file of a store.
  struct Blob {
    var name: String
    /// nil if unknown.
    var digest: Digest?
    var mediaType = ""

    /// https://github.com/containers/ocicrypt, spec.md.
    var isEncrypted: Bool { mediaType.hasSuffix("+encrypted") }
  }

  /// Finds the image selected by `selector`.
  init(_ store: some BlobStore, _ kind: Kind, _ selector: ImageSelector, _ budget: Budget) throws {
    let candidates =
      switch kind {
      case .oci: try Self.candidates(layout: store)
      case .docker: try Self.candidates(saved: store)
      }
    let chosen = try selector.choose(among: candidates, in: store.path)

    let diffIDs = chosen.config.rootfs.diffIDs
    guard chosen.layers.count == diffIDs.count else {
      throw FileError(
        store.path, found: "\(chosen.layers.count) layers",
        expected: "\(diffIDs.count), as many as the config has")
    }
    layers = try zip(chosen.layers, diffIDs).enumerated().map { index, layer in
      try Self.layer(index + 1, layer.0, Self.digest(layer.1, store), store, budget)
    }
    command = chosen.config.command
  }

  private static func layer(
    _ number: Int, _ blob: Blob, _ content: Digest, _ store: some BlobStore, _ budget: Budget
  ) throws -> TarTree.Layer {
    // The config has a digest of each layer, even if the manifest has none.
    let title = "layer \(number) (\(blob.digest ?? content))"
    if blob.isEncrypted {
      throw FileError(
        store.path, "\(title) is encrypted (\(blob.mediaType)): decrypt the image first")
    }
    guard let size = try store.size(of: blob.name) else {
      throw FileError(store.path, "\(title) is missing: there is no \(blob.name)")
    }
    return TarTree.Layer(name: title, size: size) { isVerified, onRead in
      var stream = try store.open(blob.name, onRead: onRead)
      if isVerified, let digest = blob.digest {
        stream = VerifiedStream(store.path, title, stream, is: digest)
      }
      // Data that is decoded a second time was already within the budget.
      let limit = isVerified ? budget : Budget(.max)
      let decoded = try DecodedStream(store.path, stream, limit)
      guard isVerified else { return decoded }
      return VerifiedStream(
        store.path, "\(title), decompressed,", PairedStream(decoded, over: stream), is: content)
    }
  }

  // MARK: OCI

  private static func candidates(layout store: some BlobStore) throws -> [Candidate] {
    var candidates: [Candidate] = []
    try collect(try read(Blob(name: indexName), store), nil, store, depth: 0, into: &candidates)
    return candidates
  }

  private static func collect(
    _ index: Index, _ name: String?, _ store: some BlobStore, depth: Int,
    into candidates: inout [Candidate]
  ) throws {
    guard depth < 4 else { throw FileError(store.path, "has an index in an index, four times") }
    for descriptor in index.manifests {
      let name = descriptor.annotations?["org.opencontainers.image.ref.name"] ?? name
      // BuildKit stores its attestations beside the images.
      if descriptor.platform?.os == "unknown" { continue }
      let blob = try blob(descriptor, store)
      switch descriptor.mediaType {
      case "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json":
        try collect(try read(blob, store), name, store, depth: depth + 1, into: &candidates)
      case "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json":
        if let known = candidates.firstIndex(where: { $0.id == descriptor.digest }) {
          if let name { candidates[known].names.append(name) }
          continue
        }
        // A layout with a multi-platform index mostly contains only one of its images.
        guard try store.size(of: blob.name) != nil else { continue }
        let manifest: Manifest = try read(blob, store)
        // Artifacts other than images have a different config: artifacts-guidance.md.
        guard manifest.config.isImageConfig else { continue }
        candidates.append(
          Candidate(
            names: name.map { [$0] } ?? [], id: descriptor.digest,
            layers: try manifest.layers.map { try Self.blob($0, store) },
            config: try read(try Self.blob(manifest.config, store), store)))
      default: continue
      }
    }
  }

  private static func blob(
    _ descriptor: Descriptor, _ store: some BlobStore
  ) throws(FileError) -> Blob {
    let digest = try digest(descriptor.digest, store)
    return Blob(
      name: "blobs/\(digest.algorithm.rawValue)/\(digest.hex)", digest: digest,
      mediaType: descriptor.mediaType)
  }

  private static func digest(_ text: String, _ store: some BlobStore) throws(FileError) -> Digest {
    guard let digest = Digest(text) else {
      throw FileError(
        store.path, found: "the digest '\(text)'", expected: "sha256:… or sha512:…")
    }
    return digest
  }

  // MARK: docker save

  private static func candidates(saved store: some BlobStore) throws -> [Candidate] {
    let images: [DockerImage] = try read(Blob(name: manifestName), store)
    return try images.map { image in
      Candidate(
        names: image.tags ?? [], id: image.config, layers: image.layers.map { Blob(name: $0) },
        config: try read(Blob(name: image.config), store))
    }
  }

  // MARK: Documents

  private static func read<Document: Decodable>(
    _ blob: Blob, _ store: some BlobStore
  ) throws -> Document {
    let bytes = try store.document(blob.name, is: blob.digest)
    do { return try decode(bytes) } catch {
      throw FileError(
        store.path, "has \(blob.name), which is not the JSON that it should be: \(error)")
    }
  }

  private static func decode<Document: Decodable>(_ bytes: [UInt8]) throws -> Document {
    try JSONDecoder().decode(Document.self, from: Data(bytes))
  }
}

/// A stream decoded from another one, which is read to its end too.
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
