// SPDX-License-Identifier: MIT

/// One word of the kernel's command line.
public struct KernelWord {
  public let name: ArraySlice<UInt8>

  /// The text after the first `=`, without quotes; nil if there is no `=`.
  public let value: ArraySlice<UInt8>?

  /// Whether its name is `name`: the kernel does not distinguish `-` and `_` (kernel/params.c,
  /// parameq()).
  public func isCalled(_ name: StaticString) -> Bool {
    guard self.name.count == name.utf8CodeUnitCount else { return false }
    return name.withUTF8Buffer { wanted in
      zip(self.name, wanted).allSatisfy { $0 == $1 || ($0 == 0x2d && $1 == 0x5f) }
    }
  }

  /// Whether it is `name` alone: with a value it means something else.
  public func isBare(_ name: StaticString) -> Bool { value == nil && isCalled(name) }
}

/// The kernel's command line, parsed as the kernel does: lib/cmdline.c, next_arg(), and
/// kernel/params.c, parse_args().
///
/// The arguments of PID 1 are only a part of it: `init=` and `rdinit=` clear the arguments before
/// them (init/main.c, init_setup() and rdinit_setup()).
public struct KernelCommandLine {
  /// The words before `--`, which are for the kernel.
  public private(set) var words: [KernelWord] = []

  /// The words after `--`, which are for the init only.
  public private(set) var behindDashes: [KernelWord] = []

  /// - Parameter text: the content of /proc/cmdline.
  public init(_ text: [UInt8]) {
    var rest = text[...].drop(while: isSpace)
    var isBehindDashes = false

    while let word = nextWord(&rest) {
      if !isBehindDashes && word.isBare("--") {
        isBehindDashes = true
      } else if isBehindDashes {
        behindDashes.append(word)
      } else {
        words.append(word)
      }
    }
  }

  /// The value of the last word named `name`: later words override earlier ones.
  public func value(of name: StaticString) -> ArraySlice<UInt8>? {
    var found: ArraySlice<UInt8>?
    for word in words where word.isCalled(name) { found = word.value ?? found }
    return found
  }
}

/// next_arg(): blanks in quotes do not end a word; quotes around a word or its value are removed.
private func nextWord(_ rest: inout ArraySlice<UInt8>) -> KernelWord? {
  guard let first = rest.first else { return nil }
  let isQuoted = first == quote
  if isQuoted { rest.removeFirst() }

  var isInQuote = isQuoted
  var equals: Int?
  var end = rest.startIndex
  while end < rest.endIndex, isInQuote || !isSpace(rest[end]) {
    // A word that begins with `=` has no name.
    if rest[end] == 0x3d && equals == nil && end > rest.startIndex { equals = end }
    if rest[end] == quote { isInQuote.toggle() }
    end += 1
  }
  var word = rest[..<end]
  rest = rest[end...].drop(while: isSpace)

  guard let equals else { return KernelWord(name: trimmed(&word, isQuoted), value: nil) }
  let name = word[..<equals]
  word = word[(equals + 1)...]
  let isValueQuoted = word.first == quote
  if isValueQuoted { word.removeFirst() }
  return KernelWord(name: name, value: trimmed(&word, isQuoted || isValueQuoted))
}

/// `word` without its closing quote, if it has one.
private func trimmed(_ word: inout ArraySlice<UInt8>, _ isQuoted: Bool) -> ArraySlice<UInt8> {
  isQuoted && word.last == quote ? word.dropLast() : word
}

private var quote: UInt8 { 0x22 }

/// isspace() of the kernel: lib/ctype.c.
private func isSpace(_ byte: UInt8) -> Bool {
  byte == 0x20 || (byte >= 0x09 && byte <= 0x0d) || byte == 0xa0
}
