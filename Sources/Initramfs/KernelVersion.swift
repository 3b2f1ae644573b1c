// SPDX-License-Identifier: MIT

/// A version of Linux, as far as it tells how an initramfs is read.
public struct KernelVersion: Equatable, Sendable, CustomStringConvertible {
  public var major: Int
  public var minor: Int
  /// The patch level of the stable series; nil where it is not known, which counts as the newest.
  public var patch: Int?

  public init(_ major: Int, _ minor: Int, _ patch: Int? = nil) {
    self.major = major
    self.minor = minor
    self.patch = patch
  }

  /// Reads `6.1`, `6.12.117`, what `uname -r` says, or the banner of a kernel; nil if that begins
  /// with no version.
  ///
  /// Debian's releases end in .0 and a number of its own (`6.1.0-50-amd64`); the patch level is at
  /// the end of its banner (`#1 SMP Debian 5.10.223-1`). Other distributions do not tell it.
  public init?(_ text: String) {
    guard let (numbers, rest) = KernelVersion.numbers(of: text[...]) else { return nil }
    self.init(numbers[0], numbers[1], numbers.count > 2 ? numbers[2] : 0)
    if numbers.count == 2, !rest.hasPrefix("-rc") { patch = nil }
    if patch == 0, rest.hasPrefix("-"), !rest.hasPrefix("-rc") { patch = nil }
    if let debian = text.firstRange(of: " Debian "),
      let (numbers, _) = KernelVersion.numbers(of: text[debian.upperBound...]),
      numbers.prefix(2) == [major, minor], numbers.count > 2
    {
      patch = numbers[2]
    }
  }

  /// Two or three numbers with dots between, and what is behind them.
  private static func numbers(of text: Substring) -> ([Int], Substring)? {
    var numbers: [Int] = []
    var rest = text
    while numbers.count < 3 {
      let digits = rest.prefix { ("0"..."9").contains($0) }
      guard digits.count < 6, let number = Int(digits) else { break }
      numbers.append(number)
      rest = rest[digits.endIndex...]
      guard rest.first == ".", numbers.count < 3,
        rest.dropFirst().first.map({ ("0"..."9").contains($0) }) == true
      else { break }
      rest = rest.dropFirst()
    }
    return numbers.count >= 2 ? (numbers, rest) : nil
  }

  public var description: String {
    "\(major).\(minor)" + (patch.map { ".\($0)" } ?? "")
  }

  /// Whether this is `mainline` or later, or in a stable series that has the change since the patch
  /// level that is given for it.
  func has(since mainline: KernelVersion, stable: [KernelVersion] = []) -> Bool {
    if (major, minor) >= (mainline.major, mainline.minor) { return true }
    guard let series = stable.first(where: { ($0.major, $0.minor) == (major, minor) }) else {
      return false
    }
    return patch.map { $0 >= series.patch ?? 0 } ?? true
  }
}
