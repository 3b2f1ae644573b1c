// SPDX-License-Identifier: MIT

import Files
import Newc
public import SystemPackage

/// The modules with which one kernel mounts a squashed directory.
public struct KernelModules: Equatable, Sendable {
  /// The kernel's release, as `uname -r` prints it.
  public let release: String
  /// The modules to load, in order. Each is uncompressed, with its signature.
  public let modules: [Module]

  /// A kernel module.
  public struct Module: Equatable, Sendable {
    public let name: String
    public let bytes: [UInt8]
  }

  /// The parts of a kernel that a squashed directory needs: as modules, or built in.
  public static let parts = ["loop", "squashfs", "overlay"]

  /// The modules of several kernels.
  public struct Found: Equatable, Sendable {
    /// The kernels that have all parts, in the order of their releases.
    public var kernels: [KernelModules] = []
    /// The kernels that lack parts, and which.
    public var incomplete: [(release: String, missing: [String])] = []

    public init() {}

    /// Adds other kernels, which replace those of the same release.
    public mutating func add(_ other: Found) {
      let releases = Set(other.kernels.map(\.release) + other.incomplete.map(\.release))
      kernels.removeAll { releases.contains($0.release) }
      incomplete.removeAll { releases.contains($0.release) }
      kernels = (kernels + other.kernels).sorted { $0.release < $1.release }
      incomplete = (incomplete + other.incomplete).sorted { $0.release < $1.release }
    }

    public static func == (one: Found, other: Found) -> Bool {
      one.kernels == other.kernels
        && one.incomplete.elementsEqual(other.incomplete) { $0 == $1 }
    }
  }

  /// Finds the modules of the kernels in `/lib/modules` of a tree.
  /// - Parameter source: The tree's name in errors.
  /// - Throws: ``FileError``; `CancellationError`.
  public static func find(in tree: any TreeSource, from source: FilePath) throws -> Found {
    try ModuleSearch(tree, source, .root).found()
  }

  /// Finds the modules in `directory`, which is a /lib/modules, or that of one kernel.
  /// - Throws: ``FileError``, also if there are none; `CancellationError`.
  public static func find(inDirectory directory: FilePath) throws -> Found {
    let tree = try HostTree(directory)
    let isOne = tree.files.contains { file in
      file.names.contains { ModuleSearch.isOfOneKernel($0) }
    }
    let found = try ModuleSearch(tree, directory, isOne ? .oneKernel : .kernels).found()
    guard !found.kernels.isEmpty || !found.incomplete.isEmpty else {
      throw FileError(directory, "has no kernel modules")
    }
    return found
  }
}

/// Finds the modules of the kernels in a tree.
private struct ModuleSearch {
  /// Where a tree has modules.
  enum Layout {
    /// In `lib/modules/RELEASE` or `usr/lib/modules/RELEASE`.
    case root
    /// In `RELEASE`.
    case kernels
    /// In the tree itself.
    case oneKernel
  }

  private struct Kernel {
    /// The index of each module's file, and its path.
    var modules: [String: (index: Int, path: String)] = [:]
    /// The index of the list of modules that are built in.
    var builtIn: Int?
  }

  private let tree: any TreeSource
  private let source: FilePath
  private let layout: Layout
  private var kernels: [String: Kernel] = [:]

  private static let roots = ["lib/modules/", "usr/lib/modules/"]
  private static let suffixes = [".ko", ".ko.xz", ".ko.zst", ".ko.gz"]
  private static let builtInName = "modules.builtin"
  /// No module, and no list of modules, is larger.
  private static let sizeLimit = 64 << 20

  init(_ tree: any TreeSource, _ source: FilePath, _ layout: Layout) {
    self.tree = tree
    self.source = source
    self.layout = layout
    for (index, file) in tree.files.enumerated()
    where file.entry.type == .regular && file.entry.size <= UInt64(Self.sizeLimit) {
      for name in file.names { note(String(decoding: name, as: UTF8.self), index) }
    }
  }

  /// Whether a directory with a file of this name is that of one kernel.
  static func isOfOneKernel(_ name: [UInt8]) -> Bool {
    let name = String(decoding: name, as: UTF8.self)
    return name == builtInName || name.hasPrefix("kernel/")
      || !name.contains("/") && moduleName(name) != nil
  }

  // MARK: Names

  private mutating func note(_ name: String, _ index: Int) {
    guard let (release, path) = place(of: name) else { return }
    if path == Self.builtInName {
      kernels[release, default: Kernel()].builtIn = index
    } else if let module = Self.moduleName(path) {
      let known = kernels[release]?.modules[module]
      if let known, !Self.precedes(path, known.path) { return }
      kernels[release, default: Kernel()].modules[module] = (index, path)
    }
  }

  /// The release of a kernel, and the path among its modules.
  private func place(of name: String) -> (release: String, path: String)? {
    var rest = name[...]
    switch layout {
    case .oneKernel: return ("", name)
    case .kernels: break
    case .root:
      guard let root = Self.roots.first(where: name.hasPrefix) else { return nil }
      rest = rest.dropFirst(root.count)
    }
    guard let slash = rest.firstIndex(of: "/") else { return nil }
    return (String(rest[..<slash]), String(rest[rest.index(after: slash)...]))
  }

  /// The name of the module in the file at `path`, as the kernel writes it; nil if it is none.
  private static func moduleName(_ path: String) -> String? {
    guard let suffix = suffixes.first(where: path.hasSuffix) else { return nil }
    let file = path.dropLast(suffix.count)
    return file.split(separator: "/").last.map { canonical(String($0)) }
  }

  /// A module's name, in which the kernel does not tell `-` from `_`.
  static func canonical(_ name: String) -> String { name.replacing("-", with: "_") }

  /// Whether modprobe would load the module at `path` instead of the other one: depmod.d(5).
  private static func precedes(_ path: String, _ other: String) -> Bool {
    let isUpdate = path.hasPrefix("updates/")
    return isUpdate == other.hasPrefix("updates/") ? path < other : isUpdate
  }

  // MARK: Contents

  func found() throws -> KernelModules.Found {
    let builtIn = try builtInModules()
    let contents = try modules()
    var found = KernelModules.Found()
    for (name, kernel) in kernels.sorted(by: { $0.key < $1.key }) {
      var order = LoadOrder(kernel.modules.compactMapValues { contents[$0.index] })
      let missing = KernelModules.parts.filter { part in
        !order.add(part) && !(builtIn[name]?.contains(part) ?? false)
      }
      let release = layout == .oneKernel ? order.release ?? directoryName : name
      if missing.isEmpty {
        found.kernels.append(KernelModules(release: release, modules: order.modules))
      } else {
        found.incomplete.append((release, missing))
      }
    }
    return found
  }

  private var directoryName: String {
    source.lexicallyNormalized().lastComponent?.string ?? source.string
  }

  /// The modules that are built into each kernel.
  private func builtInModules() throws -> [String: Set<String>] {
    let contents = try tree.contents(of: Set(kernels.values.compactMap(\.builtIn)))
    return kernels.compactMapValues { kernel in
      guard let list = kernel.builtIn.flatMap({ contents[$0] }) else { return nil }
      let lines = String(decoding: list, as: UTF8.self).split(separator: "\n")
      return Set(lines.compactMap { Self.moduleName(String($0)) })
    }
  }

  /// The parts and what they depend on, by the indices of their files.
  private func modules() throws -> [Int: [UInt8]] {
    var contents: [Int: [UInt8]] = [:]
    var wanted = Dictionary(
      uniqueKeysWithValues: kernels.keys.map { ($0, Set(KernelModules.parts)) })
    while true {
      let indices = wanted.flatMap { name, modules in
        modules.compactMap { kernels[name]?.modules[$0]?.index }
      }
      let new = Set(indices).subtracting(contents.keys)
      if new.isEmpty { return contents }
      for (index, bytes) in try tree.contents(of: new) { contents[index] = try decoded(bytes) }
      for (name, modules) in wanted {
        let known = modules.compactMap { kernels[name]?.modules[$0] }
        wanted[name]?.formUnion(
          known.flatMap { contents[$0.index].map { ModuleInfo($0).dependencies } ?? [] })
      }
    }
  }

  private func decoded(_ bytes: [UInt8]) throws -> [UInt8] {
    var decoded: [UInt8] = []
    let stream = try DecodedStream(
      source, ArrayStream(bytes), Budget(Int64(Self.sizeLimit)))
    try stream.forEachBlock { decoded.append(contentsOf: $0) }
    return decoded
  }
}

/// The order in which modules are loaded: each after those that it depends on.
private struct LoadOrder {
  private(set) var modules: [KernelModules.Module] = []

  private let contents: [String: [UInt8]]
  private var added: Set<String> = []

  /// - Parameter contents: The modules by their names.
  init(_ contents: [String: [UInt8]]) { self.contents = contents }

  /// The release that the modules are for.
  var release: String? { modules.lazy.compactMap { ModuleInfo($0.bytes).release }.first }

  /// Adds a module with its dependencies; those that are not there are built in.
  /// - Returns: Whether there is such a module.
  mutating func add(_ name: String) -> Bool {
    guard let bytes = contents[name] else { return false }
    guard added.insert(name).inserted else { return true }
    for dependency in ModuleInfo(bytes).dependencies { _ = add(dependency) }
    modules.append(KernelModules.Module(name: name, bytes: bytes))
    return true
  }
}

/// What a module says about itself, as strings `KEY=VALUE` that end in NUL, in its section
/// .modinfo: include/linux/moduleparam.h, MODULE_INFO.
private struct ModuleInfo {
  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The names of the modules that must be loaded before.
  var dependencies: [String] {
    (value(of: "depends") ?? "").split(separator: ",")
      .map { ModuleSearch.canonical(String($0)) }
  }

  /// The release of the kernel that it is for.
  var release: String? {
    value(of: "vermagic")?.split(separator: " ").first.map(String.init)
  }

  private func value(of key: String) -> String? {
    guard let place = bytes.firstRange(of: Array("\0\(key)=".utf8)) else { return nil }
    return String(decoding: bytes[place.upperBound...].prefix { $0 != 0 }, as: UTF8.self)
  }
}

/// Bytes in memory.
private final class ArrayStream: ByteStream {
  private let bytes: UnsafeMutableRawBufferPointer
  private var isAtEnd = false

  init(_ bytes: [UInt8]) {
    self.bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    self.bytes.copyBytes(from: bytes)
  }

  deinit { bytes.deallocate() }

  func next() -> UnsafeRawBufferPointer {
    defer { isAtEnd = true }
    return UnsafeRawBufferPointer(rebasing: bytes[..<(isAtEnd ? 0 : bytes.count)])
  }
}
