// SPDX-License-Identifier: MIT

import Compression
import Initramfs
import Newc

/// Reads an image as the kernel does, and finds what is wrong with it.
struct Inspector {
  /// The version of the kernel that will boot the image; nil for any.
  let kernel: KernelVersion?
  let rules: KernelRules

  private(set) var summary = ImageSummary()
  private(set) var contents: [MemberContents] = []
  var findings = Findings()
  /// The encoding of each member.
  private(set) var codecs: [Codec] = []
  /// The last regular file.
  private(set) var lastFile: [UInt8]?
  /// The members with checksummed records.
  private(set) var summed: Set<Int> = []

  private var unpacker = Unpacker(MemoryTree.builtIn())
  private var rewritten = 0

  /// The tree that the kernel makes of the image.
  var tree: MemoryTree { unpacker.files }

  private var index: Int { contents.count - 1 }

  /// Reads all of `source`.
  init<Source: ImageSource & ~Copyable>(
    _ source: consuming Source, kernel: KernelVersion?
  ) throws {
    self.kernel = kernel
    rules = KernelRules(of: kernel)
    let reader = ImageReader(source, rules)
    while let event = try reader.next() {
      switch event {
      case .memberBegins(let member): begin(member)
      case .entry(let record): if try apply(record) { reader.skipData() } else { reader.passOver() }
      case .trailer: unpacker.forgetLinks()
      case .skipped(let record, let why): report(LostRecord(record, why))
      case .data, .dataEnds, .memberEnds: break
      }
    }
    summary = reader.summary
    try unpacker.end()
    judge()
  }

  private mutating func begin(_ member: Member) {
    contents.append(MemberContents())
    codecs.append(member.codec)
  }

  /// - Returns: whether the kernel reads the file's data.
  private mutating func apply(_ record: Record) throws -> Bool {
    let entry = record.entry
    contents[index].add(entry.name, isDirectory: entry.type == .directory)
    if entry.type == .regular { lastFile = entry.name }
    if record.isSummed { summed.insert(index) }
    if entry.type == .symbolicLink, record.target.isEmpty {
      findings.add(
        .warning, .targetLength, member: index, path: entry.name,
        "symbolic link with an empty target; the kernel creates it, programs cannot")
    }
    let (outcome, hasData) = try unpacker.apply(record)
    switch outcome {
    case .made, .linked: break
    case .rewritten: rewritten += 1
    case .replaced(let old):
      findings.add(
        .warning, .typeChanged, member: index, path: entry.name,
        "replaces \(old.name) of the same name")
    case .lost(let loss): report(LostRecord(record, loss))
    }
    return hasData
  }

  private mutating func report(_ lost: LostRecord) {
    findings.add(
      .warning, lost.kind, member: index, path: lost.path, "\(lost.text); silently skipped")
  }

  var totals: Inspection.Totals {
    var totals = Inspection.Totals()
    totals.records = summary.members.reduce(0) { $0 + $1.entries }
    totals.rewritten = rewritten
    // The first four nodes are the kernel's own, unless something removed them.
    for (index, node) in unpacker.files.nodes.enumerated() where node.names > 0 {
      if node.type != .directory { totals.hardLinks += node.names - 1 }
      switch node.type {
      case .regular:
        totals.files += 1
        totals.bytes += node.sparse?.count ?? node.size
        totals.addPages { node.sparse?.pages(of: $0) ?? (node.size + $0 - 1) / $0 }
      case .directory: if index > 3 { totals.directories += 1 }
      case .symbolicLink:
        totals.symbolicLinks += 1
        // mm/shmem.c, SHORT_SYMLINK_LEN.
        if node.size >= 128 { totals.addPages { _ in 1 } }
      case .characterDevice, .blockDevice: if index > 3 { totals.devices += 1 }
      case .fifo, .socket: totals.others += 1
      case nil: break
      }
    }
    return totals
  }

  /// The program at `path`; nil if nothing is there.
  /// - Parameter squashed: Directories whose content is not in the tree; a program in one of them is
  ///   taken to exist.
  func realInit(_ path: [UInt8], squashed: [[UInt8]] = []) -> Inspection.RealInit? {
    var path = path
    var chain = [path]
    // A file may follow the 40th link: include/linux/namei.h, MAXSYMLINKS.
    for _ in 0...40 {
      guard let node = unpacker.files.find(path, follow: false) else {
        if leads(path, below: squashed) {
          return Inspection.RealInit(chain: chain, isExecutable: true)
        }
        return chain.count == 1 ? nil : Inspection.RealInit(chain: chain, isExecutable: false)
      }
      let file = unpacker.files.nodes[node]
      guard file.type == .symbolicLink else {
        let isExecutable = file.type == .regular && file.mode & 0o111 != 0
        return Inspection.RealInit(chain: chain, isExecutable: isExecutable)
      }
      chain.append(file.target)
      let end = path.lastIndex(of: UInt8(ascii: "/")) ?? 0
      path = file.target.first == UInt8(ascii: "/") ? file.target : path[...end] + file.target
    }
    return Inspection.RealInit(chain: chain, isExecutable: false)
  }

  /// Whether `path` leads below one of `directories`.
  private func leads(_ path: [UInt8], below directories: [[UInt8]]) -> Bool {
    if directories.isEmpty { return false }
    let nodes = Set(directories.compactMap { tree.find($0, follow: false) })
    var walk = PathWalk(path, from: 0)
    while let name = walk.next() {
      if nodes.contains(walk.directory) { return true }
      guard let node = tree.find(walk.path(of: name), follow: false) else { return false }
      switch tree.nodes[node].type {
      case .directory: walk.enter(node, name)
      case .symbolicLink: guard walk.enter(link: tree.nodes[node].target) else { return false }
      default: return false
      }
    }
    return false
  }
}
