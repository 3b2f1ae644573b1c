// SPDX-License-Identifier: MIT

/// A version of Linux, as far as it determines how an initramfs is read.
public struct KernelVersion: Equatable, Sendable, CustomStringConvertible {
  public var major: Int
  public var minor: Int
  /// The patch level of the stable series; nil if unknown, which counts as the newest.
  public var patch: Int?

  public init(_ major: Int, _ minor: Int, _ patch: Int? = nil) {
    self.major = major
    self.minor = minor
    self.patch = patch
  }

  /// Parses `6.1`, `6.12.117`, the output of `uname -r`, or the banner of a kernel; nil if the text
  /// does not begin with a version.
  ///
  /// Debian's releases end in .0 and a number of its own (`6.1.0-50-amd64`); the patch level is at
  /// the end of its banner (`#1 SMP Debian 5.10.223-1`). Other distributions do not give it.
  public init?(_ text: String) { self.init(Array(text.utf8)) }

  /// Parses the same, given as bytes.
  public init?(_ text: [UInt8]) {
    guard let (numbers, rest) = Self.numbers(of: text[...]) else { return nil }
    self.init(numbers[0], numbers[1], numbers.count > 2 ? numbers[2] : 0)
    let isCandidate = rest.starts(with: Self.bytes("-rc"))
    if numbers.count == 2, !isCandidate { patch = nil }
    if patch == 0, rest.first == UInt8(ascii: "-"), !isCandidate { patch = nil }
    if let banner = Self.end(of: " Debian ", in: text),
      let (numbers, _) = Self.numbers(of: text[banner...]), numbers.count > 2,
      numbers[0] == major, numbers[1] == minor
    {
      patch = numbers[2]
    }
  }

  /// Parses two or three numbers separated by dots; also returns the rest of the text.
  private static func numbers(of text: ArraySlice<UInt8>) -> ([Int], ArraySlice<UInt8>)? {
    var numbers: [Int] = []
    var rest = text
    while numbers.count < 3 {
      let digits = rest.prefix { isDigit($0) }
      guard !digits.isEmpty, digits.count < 6 else { break }
      numbers.append(digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) })
      rest = rest[digits.endIndex...]
      let next = rest.dropFirst().first
      guard numbers.count < 3, rest.first == UInt8(ascii: "."), let next, isDigit(next) else {
        break
      }
      rest = rest.dropFirst()
    }
    return numbers.count >= 2 ? (numbers, rest) : nil
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func bytes(_ text: StaticString) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
  }

  /// Where the first `words` in `text` end.
  private static func end(of words: StaticString, in text: [UInt8]) -> Int? {
    let words = bytes(words)
    return text.indices.first { text[$0...].starts(with: words) }.map { $0 + words.count }
  }

  public var description: String {
    "\(major).\(minor)" + (patch.map { ".\($0)" } ?? "")
  }

  /// Whether this is `mainline` or later, or has at least the patch level that `stable` gives for
  /// its series.
  func has(since mainline: KernelVersion, stable: [KernelVersion] = []) -> Bool {
    if (major, minor) >= (mainline.major, mainline.minor) { return true }
    guard let series = stable.first(where: { ($0.major, $0.minor) == (major, minor) }) else {
      return false
    }
    return patch.map { $0 >= series.patch ?? 0 } ?? true
  }
}
