// SPDX-License-Identifier: MIT

import CLinux
import Files
import Glibc
import Initramfs
import Newc
import OddImages
import Samples
import SystemPackage
import TestSupport
import Testing
import Tree
import Unpacking

@testable import Images

/// `inspect` has the tree in memory, `unpack` makes it, and the kernel is the oracle of that. Only
/// root makes devices, and gives files away.
@Suite(.enabled(if: Privilege.mayRun, "needs root"))
struct AgreementTests {
  @Test func `inspect and unpack agree about the odd images`() throws {
    let comparison = try Comparison()
    for image in try Corpus.images() where !isApart(image) {
      try comparison.expectAgreement(image)
    }
  }

  @Test func `inspect and unpack agree about 20,000 generated images`() throws {
    let comparison = try Comparison()
    var losses = 0
    var refusals = 0
    for image in Mutator.images(20_000) where !comparison.hasEmptyTarget(image) {
      let (lost, isRefused) = try comparison.expectAgreement(image)
      losses += lost
      if isRefused { refusals += 1 }
    }
    // All sorts of images have come.
    #expect(losses > 20_000)
    #expect((500...10_000).contains(refusals))
  }

  @Test func `inspect and unpack follow as many symbolic links as the kernel`() throws {
    let comparison = try Comparison()
    var losses: [Int] = []
    for count in 38...42 {
      func chain(_ name: String, to target: String) -> [OddRecord] {
        (1...count).map { .link("\(name)\($0)", to: $0 == 1 ? target : "\(name)\($0 - 1)") }
      }
      // Through directories; and to a file whose name has become another one of a link.
      let records =
        chain("d", to: "dir") + [.directory("dir"), .file("d\(count)/x", "in dir")]
        + chain("f", to: "new") + [
          .file("n", "first").linked(7), .link("n", to: "f\(count - 1)"),
          .file("m", "second").linked(7),
        ]
      let image = OddImage("chain of \(count)", archive(records))
      losses.append(try comparison.expectAgreement(image).0)
    }
    #expect(losses == [0, 0, 0, 2, 2])
  }

  @Test func `what only old kernels read as numbers is refused, unless asked`() throws {
    let images = try Corpus.images().filter { $0.explanation == .digits }
    #expect(!images.isEmpty)
    for image in images {
      let refusal = try read(image.bytes).summary.refusal
      #expect(refusal?.expected == "a hex digit of a newc header", "\(image)")
      #expect(try read(image.bytes, digits: .lenient).summary.refusal == nil, "\(image)")
    }
  }

  /// The kernel makes symbolic links to nothing, which `unpack` cannot.
  private func isApart(_ image: OddImage) -> Bool { image.explanation == .emptyTarget }
}

/// Unpacks images and compares the trees with those in memory.
private struct Comparison {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory(below: "/dev/shm") }

  func hasEmptyTarget(_ image: OddImage) -> Bool {
    let reader = ImageReader(Bytes(image.bytes))
    while let event = reader.next() {
      if case .entry(let record) = event, record.entry.type == .symbolicLink, record.target.isEmpty
      {
        return true
      }
    }
    return false
  }

  /// - Returns: how many records are lost, and whether the kernel refuses the image.
  @discardableResult
  func expectAgreement(_ image: OddImage) throws -> (Int, Bool) {
    let inspector = try Inspector(Bytes(image.bytes), kernel: nil)
    let path = directory.path.appending("tree")
    let summary = try OutputDirectory(path).fill(from: Bytes(image.bytes))
    defer { remove(path) }

    #expect(summary.image == inspector.summary, "\(image)")
    expectSameLosses(summary, inspector, image)
    // A file that the image ends in has no time yet.
    let isWhole = summary.image.refusal == nil && !summary.image.isCutShort
    var made = MadeTree(isWhole: isWhole)
    try made.walk(path.string)
    let faults = made.faults(beside: inspector.tree)
    #expect(faults.isEmpty, "\(image): \(faults)")
    return (summary.lostCount, summary.image.refusal != nil)
  }

  private func remove(_ path: FilePath) {
    let tree = open(path.string, O_RDONLY | O_DIRECTORY)
    try? empty(tree)
    close(tree)
    rmdir(path.string)
  }

  private func expectSameLosses(
    _ summary: DirectoryUnpacker.Summary, _ inspector: Inspector, _ image: OddImage
  ) {
    let suffix = "; silently skipped"
    let told = inspector.findings.kept.filter { $0.text.hasSuffix(suffix) }
      .map { "\($0.path.map(quoted) ?? ""): \($0.text.dropLast(suffix.count))" }
    let lost = summary.lost.map { "\($0.path.map(quoted) ?? ""): \($0.text)" }
    #expect(Array(told.prefix(lost.count)) == lost, "\(image)")
    // Of each kind some are kept.
    if summary.lostCount <= Findings.limit { #expect(told.count == summary.lostCount, "\(image)") }
  }
}

/// A tree on disk, as lstat(2) sees it.
private struct MadeTree {
  let isWhole: Bool
  private var files: [(path: [UInt8], status: stat, target: [UInt8])] = []

  init(isWhole: Bool) { self.isWhole = isWhole }

  mutating func walk(_ root: String) throws {
    try walk(open(root, O_RDONLY | O_DIRECTORY), at: [])
  }

  /// Descends by descriptors: a path may be longer than any call takes.
  private mutating func walk(_ directory: Int32, at path: [UInt8]) throws {
    guard let stream = fdopendir(directory) else { throw Errno(rawValue: errno) }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name.0) {
        Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1))
      }
      let bytes = name.dropLast().map { UInt8(bitPattern: $0) }
      if bytes == [0x2e] || bytes == [0x2e, 0x2e] { continue }
      let file = path + [UInt8(ascii: "/")] + bytes
      var status = stat()
      guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
        throw Errno(rawValue: errno)
      }
      var target: [UInt8] = []
      if status.st_mode & S_IFMT == S_IFLNK {
        var buffer = [CChar](repeating: 0, count: 4097)
        let count = readlinkat(directory, name, &buffer, 4096)
        target = buffer[..<count].map { UInt8(bitPattern: $0) }
      }
      files.append((file, status, target))
      if status.st_mode & S_IFMT == S_IFDIR {
        try walk(openat(directory, name, O_RDONLY | O_DIRECTORY), at: file)
      }
    }
  }

  /// What is not the same in `tree`.
  func faults(beside tree: MemoryTree) -> [String] {
    var faults: [String] = []
    var nodes: [UInt: Int] = [:]
    for (path, status, target) in files {
      guard let number = tree.find(path, follow: false) else {
        faults.append("\(quoted(path)) is not in memory")
        continue
      }
      let node = tree.nodes[number]
      if nodes[status.st_ino, default: number] != number {
        faults.append("\(quoted(path)) is another file")
      }
      nodes[status.st_ino] = number
      let isTimed = isWhole && node.modificationTime != nil
      let made = describe(status, target, isTimed)
      let kept = describe(node, isTimed)
      if made != kept { faults.append("\(quoted(path)): made \(made), kept \(kept)") }
    }
    let names = tree.nodes.dropFirst().reduce(0) { $0 + $1.names } - tree.untouchedCount
    if names != files.count { faults.append("\(files.count) names made, \(names) kept") }
    return faults
  }

  private func describe(_ status: stat, _ target: [UInt8], _ isTimed: Bool) -> String {
    let type = status.st_mode & S_IFMT
    let isDevice = type == S_IFCHR || type == S_IFBLK
    return [
      String(status.st_mode, radix: 8), "\(status.st_uid):\(status.st_gid)",
      isTimed ? "\(status.st_mtim.tv_sec)" : "",
      isDevice ? "\(status.st_rdev)" : "",
      type == S_IFREG ? "\(status.st_size)" : "", quoted(target),
    ].joined(separator: " ")
  }

  private func describe(_ node: MemoryTree.Node, _ isTimed: Bool) -> String {
    let isDevice = node.type == .characterDevice || node.type == .blockDevice
    return [
      String(node.mode, radix: 8), "\(node.userID):\(node.groupID)",
      isTimed ? "\(node.modificationTime ?? 0)" : "",
      isDevice ? "\(linux_makedev(node.device.major, node.device.minor))" : "",
      node.type == .regular ? "\(node.size)" : "", quoted(node.target),
    ].joined(separator: " ")
  }
}

extension MemoryTree {
  /// How many files of the kernel's built-in archive are as it made them, with nothing in them.
  fileprivate var untouchedCount: Int {
    let builtIn = nodes[1...3].map { $0.names > 0 && $0.modificationTime == nil }
    let isConsoleAlone = find(Array("dev/console".utf8), follow: false) == 2 && nodes[1].count == 1
    let isEmpty = [isConsoleAlone && builtIn[1], true, nodes[3].count == 0]
    return zip(builtIn, isEmpty).count { $0 && $1 }
  }
}
