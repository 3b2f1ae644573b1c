// SPDX-License-Identifier: MIT

import Glibc

/// All that can be seen of a tree, so that two trees can be compared: what the program
/// `Tests/Census` prints.
public struct Census: Equatable, Sendable {
  /// An entry, as its line has it.
  public struct Entry: Equatable, Sendable {
    /// The type of a file, in the words of inode(7).
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
    /// The number of names; 0 for a directory.
    public var links: String
    /// `MAJOR:MINOR` of the device that the file is.
    public var device: String
    /// In bytes; 0 for a directory.
    public var size: String
    /// The modification time in seconds since 1970, or `now`; empty if it says nothing.
    public var time: String
    /// The first path of a file of several names; otherwise empty.
    public var sameAs: String
    /// The checksum of a regular file, the target of a symbolic link.
    public var content: String
    /// The extended attributes, as `NAME=VALUE`.
    public var xattrs: [String]

    /// The type in ``mode``; nil if that is no mode.
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

    /// The fields, in the order of the line.
    var text: String {
      ([mode, owner, links, device, size, time, sameAs, content] + xattrs).joined(separator: " ")
    }
  }

  /// The entries by path, which begins with `./`.
  public private(set) var entries: [String: Entry] = [:]

  /// Reads the lines of the program among others.
  ///
  /// - Parameter now: Seconds since 1970; nil for the host's clock. Entries that nothing has dated
  ///   have the time at which they were made, about now.
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
      // The kernel has dated these when it was built, or nobody has.
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

  /// The same without what the kernel's own archive has made.
  public var ownEntries: Census {
    var own = self
    for path in ["./dev", "./dev/console", "./root"] { own.entries[path] = nil }
    return own
  }

  /// The same without `paths`, and all that is below them.
  public func excluding(_ paths: [String]) -> Census {
    var rest = self
    rest.entries = entries.filter { path, _ in
      !paths.contains { path == $0 || path.hasPrefix($0 + "/") }
    }
    return rest
  }

  /// What is not the same in `other`, a line each.
  public func differences(from other: Census) -> [String] {
    Set(entries.keys).union(other.entries.keys).sorted().compactMap { path in
      let (mine, theirs) = (entries[path], other.entries[path])
      guard mine != theirs else { return nil }
      return "\(path): \(mine?.text ?? "not there"), kernel: \(theirs?.text ?? "not there")"
    }
  }
}
