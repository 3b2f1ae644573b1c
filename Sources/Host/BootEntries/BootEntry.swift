// SPDX-License-Identifier: MIT

import Files
public import Packing
import SystemPackage

/// What a boot loader must be told to boot images into the leaf.
public struct BootEntry: Sendable {
  /// A file that the boot loader places in memory for the kernel.
  public struct Initrd: Equatable, Sendable {
    /// The directory or the URL of the file, as the boot loader sees it, with its last `/`.
    public var prefix: String
    public var name: String
    public var size: Int64
    /// The path in the tree of the file that the boot loader makes of it; nil for an image that the
    /// kernel unpacks.
    public var injectedAs: String?

    var path: String { prefix + name }
  }

  /// The title in a menu.
  public var title: String
  /// The kernel's path, as the boot loader sees it.
  public var kernel: String
  public var initrds: [Initrd]
  /// The kernel's command line, in the kernel's syntax.
  public var parameters: String
  /// The least memory to boot with, in MiB.
  public var memory: Int
  /// The machine's architecture.
  public var architecture: Architecture = .host
  /// Comments before the entry, one per line.
  public var remarks: [String]

  /// Whether the loader must pass an image as a file.
  var isNested: Bool { initrds.contains { $0.injectedAs != nil } }
}

/// A boot loader cannot be told something: its language has no way to write it.
public struct EntryError: Error, Equatable, CustomStringConvertible {
  public var description: String

  init(_ description: String) { self.description = description }
}

extension BootEntry {
  /// Makes an entry for `images`.
  ///
  /// - Parameters:
  ///   - kernel: The kernel's path, as the loader sees it; nil for `vmlinuz` beside the images.
  ///   - prefix: The directory or URL of the images, as the loader sees it; nil for the loader's
  ///     default.
  ///   - append: Kernel parameters after ours.
  ///   - isKernelLeaf: Whether the kernel makes the leaf itself.
  /// - Throws: ``EntryError``; ``FileError`` if nothing would make the leaf.
  public init(
    _ images: LoadedImages, for loader: Loader, kernel: String? = nil, prefix: String? = nil,
    append: String = "", title: String = "LeafRoot", isKernelLeaf: Bool = false
  ) throws {
    if images.form == .plain, !isKernelLeaf {
      let first = images.files[0].path
      throw FileError(
        first,
        "is neither wrapped nor packed: use 'leafroot wrap' or 'pack', load the segment of "
          + "'leafroot wrap --segment' before it, or use --kernel-leaf if the kernel makes the leaf"
      )
    }
    try Self.check(append)

    let directory = prefix.map { $0.isEmpty || $0.hasSuffix("/") ? $0 : $0 + "/" }
    initrds = try images.files.map { image in
      let name = image.path.lastComponent?.string ?? image.path.string
      let given = String(image.path.string.dropLast(name.utf8.count))
      try Self.check(line: image.path.string, "the name of an image")
      return Initrd(
        prefix: directory ?? (loader.readsHostFiles ? given : loader.root), name: name,
        size: image.size, injectedAs: image.injectedAs)
    }
    try Self.refuseNamesakes(images.files.map(\.path), initrds)
    self.kernel =
      kernel ?? (directory ?? (loader.readsHostFiles ? "" : loader.root)) + "vmlinuz"
    self.title = title
    try Self.check(line: self.kernel, "the path of the kernel")
    try Self.check(line: title, "the title")
    try Self.check(line: directory ?? "", "the prefix")

    let startsProgram = images.form == .wrapped ? !isKernelLeaf : images.replacesInit
    let ours = startsProgram ? KernelParameters.leaf : KernelParameters.request
    parameters = append.isEmpty ? ours : "\(ours) \(append)"
    try Self.check(length: parameters)
    let need = images.memory
    memory = need.least
    remarks = [Self.remark(need.least, need.large)]
    if ours == KernelParameters.leaf {
      remarks.append(
        "kexec, kdump: if another image boots with these parameters, append \(KernelParameters.plain)"
      )
    }
    if images.hidesMicrocode {
      remarks.append("the kernel does not find the microcode in the nested image")
    }
  }

  /// - Throws: ``EntryError`` if the boot loader would load one file for two images.
  private static func refuseNamesakes(
    _ paths: [FilePath], _ initrds: [Initrd]
  ) throws(EntryError) {
    var known: [String: FilePath] = [:]
    for (path, initrd) in zip(paths, initrds) {
      if let other = known.updateValue(path, forKey: initrd.path), other != path {
        throw EntryError(
          "'\(other)' and '\(path)' would both be '\(initrd.path)' of the boot loader: give them "
            + "different names")
      }
    }
  }

  private static func remark(_ least: Int, _ large: Int?) -> String {
    "memory: at least \(least) MiB"
      + (large.map { ", or \($0) MiB with initramfs_options=size=90%" } ?? "")
  }
}

extension Loader {
  /// Returns the text for a boot loader's configuration file, or for a shell.
  /// - Throws: ``EntryError`` if this loader's language cannot express it.
  public func text(_ entry: BootEntry) throws(EntryError) -> String {
    if entry.isNested, !injectsFiles {
      throw EntryError(
        "\(rawValue) makes no file of an image: use 'leafroot nest IMAGE -o OUT', and OUT alone")
    }
    return switch self {
    case .ipxe: try IPXEScript(entry).text
    case .grub: try GRUBEntry(entry).text
    case .systemdBoot: try LoaderSpecification(entry).text
    case .extlinux, .pxelinux: try SyslinuxEntry(entry).text
    case .uki: UKICommand(entry).text
    case .qemu: QEMUCommand(entry).text
    case .kexec: KexecCommand(entry).text
    }
  }
}
