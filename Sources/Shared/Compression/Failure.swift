// SPDX-License-Identifier: MIT

import CCodecs

extension Decoder {
  /// Why a member is not decoded: the kernel would not decode it either, or memory has run out.
  ///
  /// It contains no String, so that PID 1 can have it without Swift's Unicode tables. Messages put
  /// ``detail`` in parentheses after ``found``.
  public struct Failure: Error, Equatable, Sendable {
    /// What was found.
    public var found: StaticString
    /// Details of ``found``.
    public var detail = Detail.none
    /// What was expected.
    public var expected: StaticString
    /// The kernel's message; nil if that is only `decompressor failed`.
    public var kernelMessage: StaticString?
    /// Whether the input ends inside the member.
    public var isTruncated = false
    /// Whether there is no memory for the decoder, which says nothing about the member.
    public var isOutOfMemory = false

    static var outOfMemory: Failure {
      Failure(found: "too little memory", expected: "enough for the decoder", isOutOfMemory: true)
    }

    public static func == (one: Failure, other: Failure) -> Bool {
      one.found.isEqual(to: other.found) && one.detail == other.detail
        && one.expected.isEqual(to: other.expected)
        && isEqual(one.kernelMessage, other.kernelMessage)
        && one.isTruncated == other.isTruncated && one.isOutOfMemory == other.isOutOfMemory
    }

    private static func isEqual(_ one: StaticString?, _ other: StaticString?) -> Bool {
      guard let one, let other else { return one == nil && other == nil }
      return one.isEqual(to: other)
    }
  }
}

extension Decoder.Failure {
  /// Details that no constant can express.
  public enum Detail: Equatable, Sendable {
    case none
    /// The codec library's name for the fault.
    case library(Sentence)
    /// A length that was found.
    case bytes(Int)
    /// A number that was found: a check of xz, an error of zlib.
    case number(Int)
  }

  /// A constant string of a codec's library: `ZSTD_getErrorName`, zlib's `msg`. It is never freed.
  public struct Sentence: Equatable, @unchecked Sendable {
    /// A C string.
    public let text: UnsafePointer<CChar>

    init(_ text: UnsafePointer<CChar>) { self.text = text }

    public static func == (one: Sentence, other: Sentence) -> Bool {
      strcmp(one.text, other.text) == 0
    }
  }
}

extension StaticString {
  fileprivate func isEqual(to other: StaticString) -> Bool {
    withUTF8Buffer { mine in other.withUTF8Buffer { mine.elementsEqual($0) } }
  }
}
