// SPDX-License-Identifier: MIT

import Compression
public import Files
import Images
public import Packing
public import SystemPackage

/// A bootable Linux kernel.
public struct Kernel: Sendable {
  /// The file that contains it, as the user named it.
  public let path: FilePath
  /// Its bytes: the whole file, or a section of a unified kernel image.
  let parts: ImageParts
  /// Its architecture, from its header.
  public let architecture: Architecture

  private let isSection: Bool

  /// Reads the header of the kernel at `path`.
  /// - Parameter wanted: The required architecture; nil for any.
  /// - Throws: `FileError` if it is neither an x86 bzImage or vmlinux nor an arm64 or riscv64 Image
  ///   (plain, gzipped or as EFI zboot), alone or in a unified kernel image, or is for another
  ///   architecture.
  public init(_ path: FilePath, for wanted: Architecture? = nil) throws(FileError) {
    let file = try InputFile(path)
    let section = try UnifiedKernelImage(file).map { unified throws(FileError) in
      guard let linux = unified.linux else {
        throw FileError(path, "is a unified kernel image without a kernel (.linux)")
      }
      return linux
    }
    let parts = section.map { ImageParts(file, [$0]) } ?? ImageParts(file)
    let head = try parts.bytes(at: 0, count: 4096)
    let isVmlinux = try Kernel.isVmlinux(parts, head: head)
    guard let architecture = isVmlinux ? .x86 : Kernel.architecture(head: head) else {
      throw FileError(
        path,
        head.isEmpty
          ? "is empty"
          : "is not a Linux kernel (x86 bzImage or vmlinux, arm64 or riscv64 Image)")
    }
    if let wanted, wanted != architecture {
      throw FileError(path, "is a kernel for \(architecture), not for \(wanted)")
    }
    self.path = path
    self.parts = parts
    isSection = section != nil
    self.architecture = architecture
  }

  /// Returns the kernel as a file of its own, extracted into `directory` if it is a section.
  /// - Throws: ``FileError``; `CancellationError`.
  func alone(in directory: RunDirectory) throws -> Kernel {
    guard isSection else { return self }
    let output = try OutputFile(directory.kernel)
    try output.write(contentsOf: parts, path)
    try output.commit(permissions: .ownerReadWrite)
    return try Kernel(directory.kernel)
  }

  private static func architecture(head: [UInt8]) -> Architecture? {
    // Documentation/arch/x86/boot.rst.
    if holds("HdrS", at: 0x202, in: head) { return .x86 }
    if let architecture = image(head: head) { return architecture }
    // drivers/firmware/efi/libstub/zboot-header.S: the payload is compressed, the PE header is not.
    if holds("MZ", at: 0, in: head), holds("zimg", at: 4, in: head) {
      return Architecture.allCases.first { $0.peMachine == peMachine(in: head) }
    }
    // Image.gz. An x86 kernel decompresses itself and is never gzipped as a whole.
    if Codec(magicOf: head) == .gzip { return image(head: unzipped(head)) }
    return nil
  }

  /// Documentation/arch/arm64/booting.rst; Documentation/arch/riscv/boot-image-header.rst.
  private static func image(head: [UInt8]) -> Architecture? {
    if holds("ARM\u{64}", at: 0x38, in: head) { return .arm }
    if holds("RSC\u{5}", at: 0x38, in: head) { return .riscv }
    return nil
  }

  /// The first bytes of a gzipped file's content; empty if it is damaged.
  private static func unzipped(_ head: [UInt8]) -> [UInt8] {
    guard let decoder = try? Decoder(.gzip) else { return [] }
    var output = [UInt8](repeating: 0, count: decoder.outputSize)
    var rest = head[...]
    while let step = try? output.withUnsafeMutableBytes({ sink in
      try rest.withUnsafeBytes { try decoder.step($0, isLast: false, into: sink) }
    }), step.taken > 0 {
      if step.made > 0 { return Array(output[..<step.made]) }
      // The decoder consumed the gzip header.
      rest = rest.dropFirst(step.taken)
    }
    return []
  }

  /// Whether this is an x86-64 ELF file with the entry by which QEMU starts a kernel without its
  /// decompressor: a note of the owner Xen and the type XEN_ELFNOTE_PHYS32_ENTRY.
  ///
  /// Source: elf(5); include/xen/interface/elfnote.h, arch/x86/platform/pvh/head.S.
  private static func isVmlinux(
    _ file: ImageParts, head: [UInt8]
  ) throws(FileError) -> Bool {
    func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int64 {
      guard offset >= 0, offset + count <= bytes.count else { return 0 }
      return bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | Int64($1) }
    }
    guard holds("\u{7F}ELF\u{2}\u{1}", at: 0, in: head), number(head, 18, 2) == 62 else {
      return false
    }
    let (ptNote, headerSize) = (Int64(4), 56)
    for index in 0..<Int(number(head, 56, 2)) {
      let header = Int(number(head, 32, 4)) + index * headerSize
      guard number(head, header, 4) == ptNote else { continue }
      let notes = try file.bytes(
        at: number(head, header + 8, 6), count: Int(min(number(head, header + 32, 4), 1 << 16)))
      var note = 0
      while note + 12 <= notes.count {
        let (name, type) = (number(notes, note, 4), number(notes, note + 8, 4))
        if type == 18, notes.dropFirst(note + 12).starts(with: "Xen\0".utf8) { return true }
        note += 12 + Int((name + 3) & ~3) + Int((number(notes, note + 4, 4) + 3) & ~3)
      }
    }
    return false
  }

  private static func holds(_ text: StaticString, at offset: Int, in head: [UInt8]) -> Bool {
    text.withUTF8Buffer { head.dropFirst(offset).starts(with: $0) }
  }

  /// `Machine` of the COFF header, after `PE\0\0`, whose offset is at 0x3c (linux/pe.h).
  private static func peMachine(in head: [UInt8]) -> UInt16? {
    guard head.count >= 0x40 else { return nil }
    let header = Int(head[0x3C]) | Int(head[0x3D]) << 8
    guard header + 6 <= head.count else { return nil }
    return UInt16(head[header + 4]) | UInt16(head[header + 5]) << 8
  }
}
