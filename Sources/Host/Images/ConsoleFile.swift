// SPDX-License-Identifier: MIT

public import Initramfs
public import Newc

/// `/dev/console` as a regular file, which `docker export` leaves: it takes the place of the device
/// that the kernel has made, and whoever starts the init opens it.
public struct ConsoleFile: Sendable {
  /// The last record of that name makes a regular file.
  public private(set) var isFile = false

  public init() {}

  /// What it means, and the remedy.
  public static let text =
    "/dev/console is a regular file, as docker export leaves it: standard input, output and error "
    + "of the real init are this file, and nothing that it prints appears on the console; remove "
    + "the file (the kernel makes /dev/console itself if the image has none), or make it a "
    + "character device 5:1"

  /// Notes a record. The kernel has made /dev, which nothing can replace as long as the console is
  /// in it, so the last record of the name decides.
  public mutating func note(_ entry: Entry) {
    if Self.isConsole(entry.name) { isFile = entry.type == .regular }
  }

  /// Whether a path is that of the console, whatever dots and slashes are in it.
  public static func isConsole(_ path: [UInt8]) -> Bool {
    // Nearly all names end otherwise.
    guard path.suffix(7).elementsEqual("console".utf8) else { return false }
    let components = path.split(separator: UInt8(ascii: "/")).filter {
      !$0.elementsEqual(".".utf8)
    }
    return components.count == 2 && components[0].elementsEqual("dev".utf8)
      && components[1].elementsEqual("console".utf8)
  }
}

extension ImageReader where Source: ~Copyable {
  /// Reads all that is left for what it is, what is wrong with it, and what its console is.
  public func finish(noting console: inout ConsoleFile) throws(Source.Failure) -> ImageSummary {
    while let event = try next() {
      guard case .entry(let record) = event else { continue }
      console.note(record.entry)
      skipData()
    }
    return summary
  }
}
