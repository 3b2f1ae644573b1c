// SPDX-License-Identifier: MIT

public import Files
public import Images
import Leaf
import Newc
public import Packing

/// A boot whose real init is LeafRoot's `check`, followed by a command.
///
/// A raw segment before all images contains `/.leafroot-boot`: the program and the words of the
/// command. Thus the images need no files of ours, and their files do not interfere.
public struct CheckedBoot: Sendable {
  /// The images, in order.
  public var images: [Image]
  /// The program that runs the check.
  public var program: GuestInit
  /// The command to run after the check, starting with its program; empty for none.
  public var command: [String] = []
  /// The terminal that the console becomes for the command; nil if it has none.
  public var terminal: Terminal?
  /// Whether to boot without the leaf, even if the image is wrapped or packed.
  public var isStock = false
  /// Kernel parameters to add after ours.
  public var append: [String] = []

  /// Creates a boot of `images`.
  public init(_ images: [Image], program: GuestInit) {
    self.images = images
    self.program = program
  }

  /// The kernel parameters, including ``append``.
  ///
  /// They request the leaf only if the first image contains our PID 1, or ``append`` starts it. A
  /// packed image always starts it.
  public var parameters: [String] { start() + (terminal?.parameters ?? []) + append }

  /// The parameters that start the check and request the leaf.
  private func start() -> [String] {
    let initPath = "\(Vocabulary.checkPath)"
    // The image has PID 1 elsewhere than in a first raw archive: a hook put it there.
    let given = append.flatMap { $0.split(separator: " ") }
    if !isStock, given.contains(Substring(KernelParameters.program)) {
      return [KernelParameters.realInit(initPath)]
    }
    switch (images.first?.isWrapped ?? false, isStock) {
    case (true, false): return [KernelParameters.leaf, KernelParameters.realInit(initPath)]
    case (true, true) where images[0].isPacked:
      return [KernelParameters.program, KernelParameters.realInit(initPath)]
    default: return ["rdinit=\(initPath)"]
    }
  }

  /// The segment to load before all images.
  /// - Throws: ``FileError`` if the command is too long for a file in an image.
  public func segment() throws(FileError) -> Segment {
    let name = CheckedBoot.name(Vocabulary.checkPath)
    let directory = Array(name.prefix { $0 != UInt8(ascii: "/") })
    let regular = Entry.FileType.regular.rawValue
    var records: [(Entry, [UInt8])] = [
      (Entry(name: directory, mode: Entry.FileType.directory.rawValue | 0o755), []),
      (Entry(name: name, mode: regular | 0o755), program.bytes),
    ]
    func add(_ path: StaticString, _ data: [UInt8]) {
      records.append((Entry(name: CheckedBoot.name(path), mode: regular | 0o644), data))
    }
    if !command.isEmpty {
      add(Vocabulary.commandPath, command.flatMap { Array($0.utf8) + [0] })
    }
    if let terminal { add(Vocabulary.terminalPath, terminal.windowSize) }
    do {
      return try Segment(records)
    } catch {
      throw FileError(program.path, "does not fit into newc together with the command: \(error)")
    }
  }

  /// The name of an image's entry at `path`.
  private static func name(_ path: StaticString) -> [UInt8] { Array("\(path)".utf8.dropFirst()) }

  /// Makes the initramfs in `directory` and the machine that boots it.
  /// - Throws: ``FileError``; `CancellationError`.
  public func machine(kernel: Kernel, in directory: RunDirectory) throws -> Machine {
    try Initrd.write(segment(), images, into: directory.initrd)
    return Machine(
      kernel: try kernel.alone(in: directory), initrd: directory.initrd, parameters: parameters)
  }
}
