// SPDX-License-Identifier: MIT

import Files
import SystemPackage

/// The operating system and processor that a container image is for: `linux/arm64/v8`.
public struct Platform: Equatable, Sendable, CustomStringConvertible {
  /// The name in Go: `amd64`, `arm64`, `riscv64`.
  public var architecture: String
  /// The variant, such as `v8`; nil if any will do.
  public var variant: String?

  public init(architecture: String, variant: String? = nil) {
    self.architecture = architecture
    self.variant = variant
  }

  /// Parses `linux/ARCHITECTURE[/VARIANT]`; nil if `text` is anything else.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 || parts.count == 3, parts[0] == "linux", !parts.contains("") else {
      return nil
    }
    self.init(architecture: parts[1], variant: parts.count == 3 ? parts[2] : nil)
  }

  public var description: String {
    "linux/\(architecture)" + (variant.map { "/\($0)" } ?? "")
  }
}

/// A choice among the images of a source.
struct ImageSelector {
  var platform: Platform
  /// The image's name, with or without registry and path; nil if there is only one.
  var reference: String?

  /// - Throws: `FileError`, which lists the available images.
  func choose(
    among candidates: [ContainerImage.Candidate], in path: FilePath
  ) throws(FileError) -> ContainerImage.Candidate {
    let named = named(among: candidates)
    guard !named.isEmpty else {
      let names = candidates.flatMap(\.names)
      throw FileError(
        path,
        reference.map {
          "has no image of the name '\($0)'; " + Self.list("names", names)
        } ?? "has no image")
    }
    let fitting = named.filter { isFor($0.config) }
    guard !fitting.isEmpty else {
      let platforms = named.map {
        "\($0.config.os)/\($0.config.architecture)" + ($0.config.variant.map { "/\($0)" } ?? "")
      }
      throw FileError(path, "has no image for \(platform); \(Self.list("platforms", platforms))")
    }
    guard fitting.count == 1 else {
      throw FileError(
        path,
        "has \(fitting.count) images for \(platform), choose with --reference; "
          + Self.list("names", fitting.flatMap(\.names)))
    }
    return fitting[0]
  }

  private func named(
    among candidates: [ContainerImage.Candidate]
  ) -> [ContainerImage.Candidate] {
    guard let reference else { return candidates }
    let exactly = candidates.filter { $0.names.contains(reference) }
    guard exactly.isEmpty else { return exactly }
    return candidates.filter { $0.names.contains { $0.hasSuffix("/\(reference)") } }
  }

  private func isFor(_ config: Config) -> Bool {
    config.os == "linux" && config.architecture == platform.architecture
      && (platform.variant == nil || platform.variant == config.variant ?? Self.variant(of: config))
  }

  /// The default variant, as in containerd's platforms package, normalizeArch().
  private static func variant(of config: Config) -> String? {
    switch config.architecture {
    case "arm": "v7"
    case "arm64": "v8"
    default: nil
    }
  }

  private static func list(_ what: String, _ items: [String]) -> String {
    "\(what): \(items.isEmpty ? "none" : items.joined(separator: ", "))"
  }
}
