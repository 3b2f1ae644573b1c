// SPDX-License-Identifier: MIT

import CCodecs

extension Decoder {
  /// Why a member is not decoded: the kernel would not do it either, or memory has run out.
  ///
  /// It has no String, so that PID 1 can have it without Swift's Unicode tables. Who words it puts
  /// ``detail`` behind ``found``, in brackets.
  public struct Failure: Error, Equatable, Sendable {
    /// What is there.
    public var found: StaticString
    /// What ``found`` leaves open.
    public var detail = Detail.none
    /// What should be there.
    public var expected: StaticString
    /// What the kernel says; nil where it says only `decompressor failed`.
    public var kernelMessage: StaticString?
    /// The input ends inside the member.
    public var isTruncated = false
    /// There is no memory for the decoder. That says nothing about the member.
    public var isOutOfMemory = false

    /// There is no memory for the decoder.
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
  /// What no constant can say.
  public enum Detail: Equatable, Sendable {
    case none
    /// What the codec's library calls the fault.
    case library(Sentence)
    /// A length that is there.
    case bytes(Int)
    /// A number that is there: a check of xz, an error of zlib.
    case number(Int)
  }

  /// A constant of a codec's library: `ZSTD_getErrorName`, zlib's `msg`. It is never freed.
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
