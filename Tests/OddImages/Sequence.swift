// SPDX-License-Identifier: MIT

import Fidelity

/// Two or three images for one boot that have entries of all types at the same paths, with one path
/// for each combination of types. The entries also differ in everything else: permissions, owner,
/// time, content.
public struct Sequence: Sendable {
  /// What an image has at a shared path.
  public enum Kind: String, CaseIterable, Sendable {
    case absent, file, link, directory, device, fifo
    /// The first name of a file with two names.
    case hard
    /// The second name of such a file.
    case second
    /// A directory with a file in it.
    case full
    /// A file below the path, without a record for its directory.
    case below

    /// The kinds that any image can have, whatever follows.
    public static let recorded = allCases.filter { $0 != .below }

    var isDirectory: Bool { self == .directory || self == .full }

    private var isFile: Bool { self == .file || self == .hard || self == .second }

    /// Whether the kernel considers both to be of the same type.
    public func isOfType(_ other: Kind) -> Bool {
      self == other || isDirectory && other.isDirectory || isFile && other.isFile
    }
  }

  /// The kinds of entries that the images have at one path.
  public struct Combination: Sendable {
    public let kinds: [Kind]

    /// The path in the census.
    public var path: String { "./all/\(name)" }

    fileprivate var name: String { kinds.map(\.rawValue).joined(separator: "-") }
  }

  public let combinations: [Combination]
  /// The size of an incompressible file in each image; 0 for none.
  private let size: Int

  /// - Parameter kinds: The kinds that each image can have.
  public init(of count: Int, _ kinds: [Kind], size: Int) {
    var combinations: [[Kind]] = [[]]
    for _ in 0..<count {
      combinations = combinations.flatMap { first in kinds.map { first + [$0] } }
    }
    self.combinations = combinations.map(Combination.init)
    self.size = size
  }

  /// The image at `place`, as a raw archive.
  public func image(_ place: Int) -> [UInt8] {
    var records: [OddRecord] = [
      .directory(".", [0o755, 0o751, 0o711][place]),
      .directory("all", [0o755, 0o1777, 0o700][place]),
      .directory("target-\(place)"),
    ].map { dated($0, place) }
    for combination in combinations {
      records += self.records(combination, place, inode: UInt32(records.count) + 1)
    }
    if size > 0 {
      records.append(dated(OddRecord.file("large").with { $0.data = noise(place) }, place))
    }
    return archive(records)
  }

  private func records(_ combination: Combination, _ place: Int, inode: UInt32) -> [OddRecord] {
    let name = "all/\(combination.name)"
    let mode: UInt32 = [0o644, 0o4751, 0o600][place]
    // The last text is neither the longest nor the shortest.
    let text =
      "\(combination.name) of \(place)" + String(repeating: ".", count: [90, 3, 40][place])
    let records: [OddRecord]
    switch combination.kinds[place] {
    case .absent: records = []
    case .file: records = [.file(name, text, mode)]
    case .link: records = [.link(name, to: "../target-\(place)")]
    case .hard:
      records = [name, "\(name)-other"].map { .file($0, text, mode).linked(inode) }
    case .second:
      records = ["\(name)-other", name].map { .file($0, text, mode).linked(inode) }
    case .directory: records = [.directory(name, mode | 0o100)]
    case .full: records = [.directory(name, mode | 0o100), .file("\(name)/\(place)", text, mode)]
    case .device: records = [.node(name, 0o020000 | mode, (1, [3, 5, 7][place]))]
    case .fifo: records = [.node(name, 0o010000 | mode, (0, 0))]
    case .below: records = [.file("\(name)/\(combination.name)", text, mode)]
    }
    return records.map { dated($0, place) }
  }

  private func dated(_ record: OddRecord, _ place: Int) -> OddRecord {
    let place = UInt32(place)
    return record.with {
      ($0.user, $0.group, $0.time) = (100 + place, 200 + place, 1_400_000_000 + place * 1_000_000)
    }
  }

  /// Random bytes, different at each place.
  private func noise(_ place: Int) -> [UInt8] {
    var random = SplitMix(seed: UInt64(place))
    return random.bytes(size)
  }
}

extension Sequence.Combination {
  /// The paths that the images may make: the path, the file's other name, and files in a directory.
  public var paths: [String] {
    [path, "\(path)-other"] + kinds.indices.map { "\(path)/\($0)" }
  }
}
