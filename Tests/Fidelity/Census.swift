// SPDX-License-Identifier: MIT

import Glibc

/// Everything that can be seen of a tree, to compare it with another one: the output of the program
/// `Tests/Census`.
public struct Census: Equatable, Sendable {
  /// An entry, with the fields of its line.
  public struct Entry: Equatable, Sendable {
    /// The type of a file, as named in inode(7).
    public enum FileType: String, CaseIterable, Encodable, Sendable {
      case directory
      case file
      case symbolicLink = "symbolic link"
      case device
      case fifo
      case socket
    }

    /// `st_mode`, in octal.
    public var mode: String
    /// `UID:GID`.
    public var owner: String
    /// The number of hard links; 0 for a directory.
    public var links: String
    /// `MAJOR:MINOR` of a device file.
    public var device: String
    /// The size in bytes; 0 for a directory.
    public var size: String
    /// The modification time in seconds since 1970, or `now`; empty if it is not significant.
    public var time: String
    /// The first path of a hard-linked file; otherwise empty.
    public var sameAs: String
    /// The checksum of a regular file, or the target of a symbolic link.
    public var content: String
    /// The extended attributes, as `NAME=VALUE`.
    public var xattrs: [String]

    /// The type in ``mode``; nil if that is not a valid mode.
    public var type: FileType? {
      switch (UInt32(mode, radix: 8) ?? 0) & 0o170000 {
      case 0o040000: .directory
      case 0o100000: .file
      case 0o120000: .symbolicLink
      case 0o020000, 0o060000: .device
      case 0o010000: .fifo
      case 0o140000: .socket
      default: nil
      }
    }

    /// The fields in the order of the line.
    var text: String {
      ([mode, owner, links, device, size, time, sameAs, content] + xattrs).joined(separator: " ")
    }
  }

  /// The entries by path; paths begin with `./`.
  public private(set) var entries: [String: Entry] = [:]

  /// Reads the program's lines among others.
  ///
  /// - Parameter now: Seconds since 1970; nil for the host's clock. Entries without a date of their
  ///   own have the time at which they were made, about now.
  public init(_ lines: some Sequence<some StringProtocol>, now: Int? = nil) {
    let now = now ?? time(nil)
    var firstPaths: [String: String] = [:]
    for line in lines where line.hasPrefix("./") || line.hasPrefix(". ") {
      // Tests/Census
      let fields = String(line).split(separator: " ", omittingEmptySubsequences: false)
        .map(String.init)
      guard fields.count >= 9 else { continue }
      let (path, links, inode) = (fields[0], fields[3], fields[7])
      var time = fields[6]
      if let seconds = Int(time), abs(seconds - now) < 100_000 { time = "now" }
      // These have the date of the kernel's build, or none.
      if [".", "./dev", "./dev/console", "./root"].contains(path) { time = "" }

      var sameAs = ""
      if links != "0", links != "1" {
        sameAs = firstPaths[inode] ?? path
        firstPaths[inode] = sameAs
      }
      entries[path] = Entry(
        mode: fields[1], owner: fields[2], links: links, device: fields[4], size: fields[5],
        time: time, sameAs: sameAs, content: fields[8], xattrs: Array(fields[9...]))
    }
  }

  /// The census without the entries of the kernel's own archive.
  public var ownEntries: Census {
    var own = self
    for path in ["./dev", "./dev/console", "./root"] { own.entries[path] = nil }
    return own
  }

  /// The census without `paths` and everything below them.
  public func excluding(_ paths: [String]) -> Census {
    var rest = self
    rest.entries = entries.filter { path, _ in
      !paths.contains { path == $0 || path.hasPrefix($0 + "/") }
    }
    return rest
  }

  /// The differences from `other`, one per line.
  public func differences(from other: Census) -> [String] {
    Set(entries.keys).union(other.entries.keys).sorted().compactMap { path in
      let (mine, theirs) = (entries[path], other.entries[path])
      guard mine != theirs else { return nil }
      return "\(path): \(mine?.text ?? "not there"), kernel: \(theirs?.text ?? "not there")"
    }
  }
}
