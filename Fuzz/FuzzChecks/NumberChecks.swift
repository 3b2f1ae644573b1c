// SPDX-License-Identifier: MIT

import BootFacts
import CLinux
import Images

extension FuzzCheck {
  /// Command lines, statfs(2), a payload's `about`, the kernel's log and images may contain any
  /// text and any numbers: no sum traps, no limit is below what it holds, and no message is empty.
  ///
  /// The bytes are 32 little-endian numbers of 8 bytes, then the text. Missing bytes are 0.
  static func numbers(_ bytes: [UInt8]) {
    var numbers = Numbers(bytes)
    let text = Array(bytes.dropFirst(Numbers.size))
    let limits = limits(&numbers)
    about(text, limits, &numbers)
    memory(&numbers)
    words(text)
    log(text)
  }

  /// The size of a file system, with arbitrary numbers.
  private static func limits(_ numbers: inout Numbers) -> Limits {
    var answer = statfs()
    answer.f_bsize = .init(truncatingIfNeeded: numbers.next())
    answer.f_blocks = .init(truncatingIfNeeded: numbers.next())
    answer.f_bfree = .init(truncatingIfNeeded: numbers.next())
    answer.f_files = .init(truncatingIfNeeded: numbers.next())
    answer.f_ffree = .init(truncatingIfNeeded: numbers.next())
    let limits = Limits(answer)
    guard answer.f_bsize >= 0 else { return Limits() }
    precondition(limits.size >= 0 && limits.used >= 0 && limits.inodes >= 0)
    precondition(limits.usedInodes >= 0)
    precondition(limits.size == 0 || limits.fittingSize >= max(limits.size, limits.used))
    precondition(limits.inodes == 0 || limits.fittingInodes >= limits.inodes)
    precondition(!limits.options.bytes.isEmpty)
    let fitting = Limits(size: limits.fittingSize, inodes: limits.fittingInodes)
    precondition(fitting.shortage(for: limits) == nil, "\(limits)")

    let words = LastWords(
      nil, limits, memory: numbers.count(), hasOptions: numbers.next().isMultiple(of: 2))
    precondition(words.lines.count == 3 && words.lines.allSatisfy { !$0.bytes.isEmpty })
    return limits
  }

  /// A payload's manifest, and the file system that its tree goes to.
  private static func about(_ text: [UInt8], _ limits: Limits, _ numbers: inout Numbers) {
    let about = PayloadManifest(text)
    if about.realInit == nil { precondition(PayloadManifest(about.text.bytes) == about) }
    let (entries, bytes) = (numbers.count(), numbers.count())
    var tree = PayloadManifest.Tree(
      entries: entries, bytes: bytes, pages: (0..<3).map { _ in numbers.count() })
    if let other = about.tree { tree.add(other) }
    let payload = numbers.count()
    let holding = limits.holding(tree, insteadOf: payload)
    precondition(holding.size >= limits.size && holding.inodes >= limits.inodes)
    precondition(Limits(size: holding.size).shortage(for: Limits(used: holding.used)) == nil)

    let pageSize = [4 << 10, 16 << 10, 64 << 10, 256 << 10][numbers.count() % 4]
    let need = PayloadNeed(
      tree, decoder: numbers.count(), threads: 1 + numbers.count() % 65_536, pageSize: pageSize)
    precondition(need.bytes >= PayloadNeed.content(of: tree, pageSize: pageSize))
    let free = numbers.count()
    let shortage = need.shortage(free: free, payload: payload)
    precondition((shortage == nil) == (free.plus(payload) >= need.bytes))
    _ = PayloadNeed.largestTree(in: numbers.count())

    precondition(FreeMemory.kept(of: numbers.count(), watermark: numbers.count()) >= 0)
    precondition(FreeMemory(in: -1).usable(wanting: numbers.count()) >= 0)
  }

  /// An image's totals of its tree.
  private static func memory(_ numbers: inout Numbers) {
    var totals = Inspection.Totals()
    // Whoever counts these keeps them in memory, so they stay small.
    totals.files = numbers.count() % 1_000_000
    totals.hardLinks = numbers.count() % 1_000_000
    totals.bytes = numbers.next()
    totals.pages = numbers.next()
    let need = MemoryNeed(imageSize: Int64(numbers.count()), totals: totals, members: [])
    precondition(need.large <= need.stock && need.stock <= need.wrapped, "\(need)")
    precondition(
      MemoryNeed.packed(need, totals, workspace: numbers.count()) >= need.stock)
  }

  private static func words(_ text: [UInt8]) {
    let line = KernelCommandLine(text)
    for word in line.words + line.behindDashes {
      precondition(word.name.count + (word.value?.count ?? 0) <= text.count)
    }
    let parts = text.split(separator: 0).map { $0.map { CChar(bitPattern: $0) } + [0] }
    let half = parts.count / 2
    var (arguments, environment) = (vector(parts[..<half]), vector(parts[half...]))
    defer { for word in arguments + environment { free(word) } }
    let (before, after) = (arguments, environment)
    arguments.withUnsafeMutableBufferPointer { arguments in
      environment.withUnsafeMutableBufferPointer { environment in
        let parameters = Parameters(
          arguments: arguments.baseAddress!, environment: environment.baseAddress!,
          commandLine: text)
        _ = (
          parameters.isAsked, parameters.isPartialAllowed, parameters.realInit,
          parameters.kernelsInit
        )
        _ = parameters.options
        parameters.removeOurs()
      }
    }
    precondition(prefix(arguments).allSatisfy(before.contains))
    precondition(prefix(environment).allSatisfy(after.contains))
    (arguments, environment) = (before, after)
  }

  private typealias Vector = [UnsafeMutablePointer<CChar>?]

  private static func vector(_ words: ArraySlice<[CChar]>) -> Vector {
    words.map { strdup($0) } + [nil]
  }

  private static func prefix(_ vector: Vector) -> Vector {
    Array(vector.prefix { $0 != nil })
  }

  /// What the kernel writes: its log and the list of mounts.
  private static func log(_ text: [UInt8]) {
    var rest = text[...]
    var lines = Lines(longest: 32 << 20) { count in
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
    var (verdict, number) = (ImageVerdict(), 0)
    while let line = try? lines.next() {
      if let record = LogRecord(line) { verdict.add(record) }
      if let record = LogRecord(syslog: line, number: number) { verdict.add(record) }
      if let mount = Mount(line) { _ = obstacle(to: mount, in: [mount]) }
      number += 1
    }
  }
}

/// A sequence of 8-byte numbers.
private struct Numbers {
  static let size = 32 * 8

  private var bytes: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { self.bytes = bytes.prefix(Self.size) }

  mutating func next() -> UInt64 {
    defer { bytes = bytes.dropFirst(8) }
    return bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// The next number, made non-negative.
  mutating func count() -> Int { Int(next() >> 1) }
}
