// SPDX-License-Identifier: MIT

public import Initramfs
public import Newc

/// `/dev/console` as a regular file, which `docker export` leaves. It replaces the device that the
/// kernel made, and the init gets it as its standard streams.
public struct ConsoleFile: Sendable {
  /// Whether the last record of that name makes a regular file.
  public private(set) var isFile = false

  public init() {}

  /// The message: what it means, and the remedy.
  public static let text =
    "/dev/console is a regular file, as docker export leaves it: standard input, output and error "
    + "of the real init are this file, and nothing that it prints appears on the console; remove "
    + "the file (the kernel makes /dev/console itself if the image has none), or make it a "
    + "character device 5:1"

  /// Notes a record. The kernel has already made /dev, and nothing can replace it while the console
  /// is in it, so the last record of the name decides.
  public mutating func note(_ entry: Entry) {
    if Self.isConsole(entry.name) { isFile = entry.type == .regular }
  }

  /// Whether `path` leads to the console, regardless of extra dots and slashes.
  public static func isConsole(_ path: [UInt8]) -> Bool {
    // Most names end differently.
    guard path.suffix(7).elementsEqual("console".utf8) else { return false }
    let components = path.split(separator: UInt8(ascii: "/")).filter {
      !$0.elementsEqual(".".utf8)
    }
    return components.count == 2 && components[0].elementsEqual("dev".utf8)
      && components[1].elementsEqual("console".utf8)
  }
}

extension ImageReader where Source: ~Copyable {
  /// Reads the rest of the image for its summary, and notes its console.
  public func finish(noting console: inout ConsoleFile) throws(Source.Failure) -> ImageSummary {
    while let event = try next() {
      guard case .entry(let record) = event else { continue }
      console.note(record.entry)
      skipData()
    }
    return summary
  }
}
