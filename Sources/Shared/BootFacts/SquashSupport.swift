// SPDX-License-Identifier: MIT

/// What the running kernel lacks to mount a squashfs from a file, under an overlay.
public struct SquashSupport {
  /// The names of the modules that have the missing parts.
  public let missing: [StaticString]

  /// - Parameters:
  ///   - filesystems: the content of /proc/filesystems.
  ///   - misc: the content of /proc/misc, which has the control device of the loop driver.
  public init(filesystems: [UInt8], misc: [UInt8]) {
    var missing: [StaticString] = []
    if !Self.has("loop-control", misc) { missing.append("loop") }
    for name: StaticString in ["squashfs", "overlay"] where !Self.has(name, filesystems) {
      missing.append(name)
    }
    self.missing = missing
  }

  /// Whether the last word of a line is `name`.
  private static func has(_ name: StaticString, _ table: [UInt8]) -> Bool {
    table.split(separator: 0x0a).contains { line in
      let end = line.suffix(name.utf8CodeUnitCount + 1)
      return (end.first == 0x20 || end.first == 0x09) && end.dropFirst().equals(name)
    }
  }

  /// Why the squashfs cannot be mounted.
  ///
  /// - Parameters:
  ///   - release: that of the running kernel, as `uname -r` prints it.
  ///   - releases: those that the image has modules for, as C strings.
  public func words(_ release: [UInt8], modulesFor releases: [[CChar]]) -> Text {
    var text = Text("this kernel (")
    text.add(release)
    text.add(") has no ")
    for (number, name) in missing.enumerated() {
      if number > 0 { text.add(", no ") }
      text.add(name)
    }
    text.add(releases.isEmpty ? "; the image has no modules" : "; the image has modules for ")
    for (number, other) in releases.enumerated() {
      if number > 0 { text.add(", ") }
      text.add(cString: other)
    }
    return text + ". Needed: those of this kernel (--modules)"
  }
}
