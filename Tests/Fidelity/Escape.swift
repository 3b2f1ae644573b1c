// SPDX-License-Identifier: MIT

/// How far a process with CAP_SYS_ADMIN gets out of a container, as printed by
/// `Benchmarks/guest/escape`: `@escape WAY ENTRIES READS WRITES`.
public struct Escape: Encodable, Equatable, Sendable {
  /// How the container got its root.
  public enum Way: String, Encodable, Sendable {
    /// pivot_root(2), as runtimes do by default.
    case pivot
    /// MS_MOVE and chroot(2), as runtimes do with `--no-pivot`.
    case move
  }

  public let way: Way
  /// The number of entries that it sees outside its root, at all depths.
  public let entries: Int
  /// Whether it can read one of the host's files.
  public let reads: Bool
  /// Whether it can make a file there.
  public let writes: Bool

  /// Finds and reads the line; nil if it is missing.
  public init?(_ lines: some Sequence<some StringProtocol>) {
    for line in lines {
      let fields = String(line).split(separator: " ")
      guard fields.count == 5, fields[0] == "@escape", let way = Way(rawValue: String(fields[1])),
        let entries = Int(fields[2]), let reads = Int(fields[3]), let writes = Int(fields[4])
      else { continue }
      (self.way, self.entries, self.reads, self.writes) = (way, entries, reads != 0, writes != 0)
      return
    }
    return nil
  }
}

extension Escape: CustomStringConvertible {
  /// What it can do to the host, such as `reads and writes the tree`.
  public var description: String {
    switch (entries, reads, writes) {
    case (0, _, false): "reaches nothing"
    case (0, _, true): "writes to an empty rootfs"
    case (_, true, true): "reads and writes the tree"
    case (_, true, false): "reads the tree"
    case (_, false, true): "sees what is left, and writes there"
    case (_, false, false): "sees what is left"
    }
  }
}
