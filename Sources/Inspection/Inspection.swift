// SPDX-License-Identifier: MIT

import Compression
public import Initramfs
import Newc

/// All that `leafroot inspect` says about an image.
public struct Inspection: Equatable, Sendable {
  /// What the tree holds when all is unpacked, without the kernel's own /dev, /dev/console, /root.
  public struct Totals: Equatable, Sendable {
    /// Records in all members, without trailers.
    public var records = 0
    public var files = 0
    public var directories = 0
    public var symbolicLinks = 0
    public var devices = 0
    /// Fifos and sockets.
    public var others = 0
    /// Names beyond the first of each file.
    public var hardLinks = 0
    /// Bytes in regular files.
    public var bytes: UInt64 = 0
    /// The same in whole pages of 4 KiB, with long symbolic links.
    public var pages: UInt64 = 0
    /// Names in the tree, each of which takes an inode's share of a tmpfs.
    public var names: Int { files + directories + symbolicLinks + devices + others + hardLinks }
    /// Records that wrote again a file of the same type.
    public var rewritten = 0
  }

  /// The program that the kernel starts.
  public struct RealInit: Equatable, Sendable {
    /// `/init`, then what each symbolic link leads to.
    public var chain: [[UInt8]]
    /// It leads to a regular file that may be executed.
    public var isExecutable: Bool
  }

  /// The kernel that is to boot it; nil for the newest.
  public var kernel: KernelVersion?
  /// Members, padding, refusal.
  public var reading: Reading
  /// What each member holds.
  public var contents: [MemberContents]
  public var totals: Totals
  /// nil if there is no /init.
  public var realInit: RealInit?
  public var findings: Findings
  /// The memory to boot it with.
  public var memory: MemoryNeed

  /// Inspects all of `source`.
  ///
  /// - Parameters:
  ///   - config: How the kernel that will boot it was built, if known.
  ///   - kernel: Its version, if known and not the one in `config`.
  /// - Throws: ``FileError`` where it cannot be read; `CancellationError`.
  public init(
    _ source: borrowing some ByteSource & ~Copyable, config: KernelConfig? = nil,
    kernel: KernelVersion? = nil
  ) throws {
    self.kernel = kernel ?? config?.version
    var inspector = Inspector(kernel: self.kernel)
    do {
      let reader = ImageReader(inspector.rules)
      reading = try reader.read(source, visiting: &inspector)
    } catch let excess as MemoryTree.Excess {
      throw excess.error(source.path)
    }
    inspector.judge(reading)
    if let config { inspector.compare(reading, with: config) }
    contents = inspector.contents
    totals = inspector.totals(reading)
    realInit = inspector.realInit()
    findings = inspector.findings
    memory = MemoryNeed(
      imageSize: source.size, totals: totals, members: reading.members)
  }
}

/// Watches an image go by.
struct Inspector: ImageVisitor {
  /// The kernel that is to boot the image, and what it does; nil for any.
  let kernel: KernelVersion?
  let rules: KernelRules

  var tree = MemoryTree()
  var contents: [MemberContents] = []
  var findings = Findings()
  /// How each member is encoded.
  private(set) var codecs: [Codec] = []
  /// The last regular file.
  private(set) var lastFile: [UInt8]?
  /// The members that have records with sums.
  private(set) var summed: Set<Int> = []
  private var rewritten = 0

  init(kernel: KernelVersion?) {
    self.kernel = kernel
    rules = kernel.map(KernelRules.init) ?? KernelRules()
  }

  private var index: Int { contents.count - 1 }

  mutating func begin(_ member: Member) {
    contents.append(MemberContents())
    codecs.append(member.codec)
  }

  mutating func entry(_ record: Record) throws -> Wish {
    let entry = record.entry
    contents[index].add(entry.name, isDirectory: entry.type == .directory)
    if entry.type == .regular { lastFile = entry.name }
    if record.isSummed { summed.insert(index) }
    if entry.type == .symbolicLink, record.target.isEmpty {
      findings.add(
        .warning, .targetLength, member: index, path: entry.name,
        "symbolic link with an empty target; the kernel creates it, programs cannot")
    }
    let outcome = try tree.apply(record)
    switch outcome {
    case .made(_, let again): if again { rewritten += 1 }
    case .linked: break
    case .replaced(_, let old):
      findings.add(
        .warning, .typeChanged, member: index, path: entry.name,
        "replaces \(old.name) of the same name")
    case .lost(let loss): report(loss, entry)
    }
    return outcome.node == nil ? .nothing : .verified
  }

  mutating func trailer() { tree.forgetLinks() }

  mutating func skipped(_ record: Record, _ why: Reader.Skip) {
    let place = "the record at \(record.offset)"
    switch why {
    case .nameSize(let size):
      findings.add(
        .warning, .nameTooLong, member: index,
        "\(place): name size is \(size) bytes, must be 1 to 4096; silently skipped")
    case .targetSize(let size):
      findings.add(
        .warning, .targetLength, member: index,
        "\(place): symbolic link target of \(size) bytes, limit is 4095; silently skipped")
    case .dataUnexpected(let size):
      let path = record.entry.name
      findings.add(
        .warning, .dataUnexpected, member: index, path: path,
        "has \(size) bytes of data but is no file or symbolic link; silently skipped")
    }
  }

  private mutating func report(_ loss: MemoryTree.Loss, _ entry: Entry) {
    let (kind, text): (Finding.Kind, String) =
      switch loss {
      case .parentMissing: (.parentMissing, "parent directory does not exist yet; silently skipped")
      case .parentNotDirectory: (.parentMissing, "parent is not a directory; silently skipped")
      case .tooManyLinks: (.parentMissing, "too many levels of symbolic links; silently skipped")
      case .componentTooLong:
        (.nameTooLong, "name component longer than 255 bytes; silently skipped")
      case .nameEmpty, .nameNoFile: (.nameUnusable, "not a valid file name; silently skipped")
      case .directoryInTheWay:
        (.directoryInTheWay, "cannot replace the existing file of this name; silently skipped")
      case .typeUnknown:
        (.typeUnknown, "mode \(String(entry.mode, radix: 8)) has no file type; silently skipped")
      case .targetTooLong:
        (.targetLength, "symbolic link target longer than 4095 bytes; silently skipped")
      case .firstNameGone:
        (.linkLost, "hard link to a name that no longer exists; silently skipped")
      }
    findings.add(.warning, kind, member: index, path: entry.name, text)
  }

  func totals(_ reading: Reading) -> Inspection.Totals {
    var totals = Inspection.Totals()
    totals.records = reading.members.reduce(0) { $0 + $1.entries }
    totals.rewritten = rewritten
    // The first four are the kernel's own, if nothing has removed them.
    for (index, node) in tree.nodes.enumerated() where node.names > 0 {
      if node.type != .directory { totals.hardLinks += node.names - 1 }
      switch node.type {
      case .regular:
        totals.files += 1
        totals.bytes += node.size
        totals.pages += (node.size + 4095) / 4096
      case .directory: if index > 3 { totals.directories += 1 }
      case .symbolicLink:
        totals.symbolicLinks += 1
        // mm/shmem.c, SHORT_SYMLINK_LEN.
        if node.size >= 128 { totals.pages += 1 }
      case .characterDevice, .blockDevice: if index > 3 { totals.devices += 1 }
      case .fifo, .socket: totals.others += 1
      case nil: break
      }
    }
    return totals
  }

  func realInit() -> Inspection.RealInit? {
    var path = Array("/init".utf8)
    var chain = [path]
    for _ in 0..<40 {
      guard let node = try? tree.find(path, follow: false) else {
        return chain.count == 1 ? nil : Inspection.RealInit(chain: chain, isExecutable: false)
      }
      let file = tree.nodes[node]
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
}

extension Entry.FileType {
  /// What a person calls a file of this type.
  var name: String {
    switch self {
    case .fifo: "a fifo"
    case .characterDevice: "a character device"
    case .directory: "a directory"
    case .blockDevice: "a block device"
    case .regular: "a regular file"
    case .symbolicLink: "a symbolic link"
    case .socket: "a socket"
    }
  }
}
