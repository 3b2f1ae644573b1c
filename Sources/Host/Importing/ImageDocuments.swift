// SPDX-License-Identifier: MIT

/// descriptor.md.
struct Descriptor: Decodable {
  struct Platform: Decodable {
    var os: String
  }

  var mediaType: String
  var digest: String
  var platform: Platform?
  var annotations: [String: String]?

  /// Whether its media type is that of config.md.
  var isImageConfig: Bool {
    [
      "application/vnd.oci.image.config.v1+json",
      "application/vnd.docker.container.image.v1+json",
    ].contains(mediaType)
  }
}

/// image-index.md.
struct Index: Decodable {
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
struct DockerImage: Decodable {
  var config: String
  var tags: [String]?
  var layers: [String]

  enum CodingKeys: String, CodingKey {
    case config = "Config"
    case tags = "RepoTags"
    case layers = "Layers"
  }
}
