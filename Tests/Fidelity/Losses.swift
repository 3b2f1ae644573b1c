// SPDX-License-Identifier: MIT

/// What a tree lacks, compared with another one.
public struct Losses: Equatable, Sendable {
  /// The properties of an entry that can be lost.
  public enum Kind: String, CaseIterable, Encodable, Sendable {
    /// The entry itself, or its type.
    case entry
    case content
    case target
    case links = "hard links"
    case xattrs = "extended attributes"
    case owner
    case mode
    case device = "device number"
    case time
    /// Not a loss: the entry is new.
    case added
  }

  /// A property that entries of one type have lost.
  public struct Loss: Encodable, Equatable, Sendable {
    public var kind: Kind
    public var type: Census.Entry.FileType
    /// The paths of the entries, sorted.
    public var paths: [String]
  }

  /// All losses, by kind and type.
  public let all: [Loss]

  /// Determines what `census` lacks, compared with `original`.
  public init(of original: Census, in census: Census) {
    var paths: [Kind: [Census.Entry.FileType: [String]]] = [:]
    for (path, entry) in original.entries {
      guard let type = entry.type else { continue }
      for kind in Losses.kinds(of: entry, in: census.entries[path]) {
        paths[kind, default: [:]][type, default: []].append(path)
      }
    }
    for (path, entry) in census.entries where original.entries[path] == nil {
      guard let type = entry.type else { continue }
      paths[.added, default: [:]][type, default: []].append(path)
    }
    all = Kind.allCases.flatMap { kind in
      Census.Entry.FileType.allCases.compactMap { type in
        paths[kind]?[type].map { Loss(kind: kind, type: type, paths: $0.sorted()) }
      }
    }
  }

  private static func kinds(of original: Census.Entry, in entry: Census.Entry?) -> [Kind] {
    guard let entry, entry.type == original.type else { return [.entry] }
    var kinds: [Kind] = []
    let isLink = original.type == .symbolicLink
    if entry.content != original.content || entry.size != original.size {
      kinds.append(isLink ? .target : .content)
    }
    if entry.links != original.links || entry.sameAs != original.sameAs { kinds.append(.links) }
    if entry.xattrs != original.xattrs { kinds.append(.xattrs) }
    if entry.owner != original.owner { kinds.append(.owner) }
    if entry.mode != original.mode { kinds.append(.mode) }
    if entry.device != original.device { kinds.append(.device) }
    if entry.time != original.time { kinds.append(.time) }
    return kinds
  }
}

extension Losses: CustomStringConvertible {
  /// `nothing`, or for example `1 socket, hard links of 8 files, time of 3 directories`.
  public var description: String {
    guard !all.isEmpty else { return "nothing" }
    return Kind.allCases.compactMap { kind in
      let losses = all.filter { $0.kind == kind }
      guard !losses.isEmpty else { return nil }
      let entries = Losses.joined(losses.map { Losses.count($0.paths.count, $0.type) })
      switch kind {
      case .entry: return entries
      case .added: return "adds \(entries)"
      default: return "\(kind.rawValue) of \(entries)"
      }
    }.joined(separator: "; ")
  }

  /// `3 directories`, `1 fifo`.
  static func count(_ count: Int, _ type: Census.Entry.FileType) -> String {
    if count == 1 { return "1 \(type.rawValue)" }
    return type == .directory ? "\(count) directories" : "\(count) \(type.rawValue)s"
  }

  /// `a, b and c`.
  private static func joined(_ parts: [String]) -> String {
    guard parts.count > 1 else { return parts.first ?? "" }
    return parts.dropLast().joined(separator: ", ") + " and " + parts[parts.count - 1]
  }
}
