// SPDX-License-Identifier: MIT

import Compression
import Initramfs
import Newc

extension Inspector {
  /// Adds the findings that require the whole image.
  mutating func judge() {
    if let refusal = summary.refusal {
      findings.add(
        .error, .refused, member: summary.members.indices.last,
        "offset \(refusal.offset)\(refusal.place): found \(refusal.found), "
          + "expected \(refusal.expected); "
          + "the kernel logs \"\(refusal.kernelMessage)\" and boots with what it has unpacked "
          + "up to there")
      judge(refusal)
    }
    if let fault = summary.sidecarFault {
      findings.add(
        .error, .sidecarWrong, member: summary.members.indices.last,
        "found \(fault.foundText), expected \(fault.expected)")
    }
    if let cutRecord = summary.cutRecord {
      findings.add(
        .error, .cutShort, member: summary.members.indices.last,
        "the image ends inside the record at \(cutRecord); the kernel does not report it")
    }
    for (index, member) in summary.members.enumerated() {
      judge(member, index, next: summary.members.dropFirst(index + 1).first)
    }
    judgeInit()
    if tree.find(Array("/dev/console".utf8), follow: true) == nil {
      findings.add(
        .warning, .noConsole,
        "no /dev/console; init starts without standard input, output and error")
    } else if !tree.hasOwnConsole {
      findings.add(
        .note, .noConsole,
        "no /dev/console in the image; the kernel's built-in archive has one, unless replaced")
    } else if tree.hasConsoleFile {
      findings.add(.warning, .consoleFile, ConsoleFile.text)
    }
    judgeSizes()
  }

  /// Adds a finding if kernel versions disagree about the refusal.
  private mutating func judge(_ refusal: Refusal) {
    if !rules.records.checksNames, refusal.isOfName {
      findings.add(
        .note, .oldKernels,
        "this kernel does not check for the NUL: it takes the bytes that follow as part of the "
          + "name, and logs nothing (CVE-2024-53142)")
    }
  }

  private mutating func judge(_ member: Member, _ index: Int, next: Member?) {
    if member.isCheckWrong {
      findings.add(
        .error, .checkWrong, member: index,
        "checksum error in the \(member.codec) member; the kernel does not verify it")
    }
    // If the kernel is known, its rules have already decided.
    if kernel == nil, member.codec == .lz4, let next {
      let gap = next.offset - member.offset - member.size
      findings.add(
        .warning, .lz4Trap, member: index,
        "lz4 member followed by \(gap) zero bytes and another member: Linux before 5.14 takes the "
          + "zero bytes for a chunk, and stops")
    }
    if kernel == nil, member.codec == .zstd {
      findings.add(.note, .oldKernels, member: index, "zstd needs Linux 5.9 or later")
    }
    if kernel == nil, summed.contains(index) {
      findings.add(
        .note, .oldKernels, member: index, "checksums (070702) need Linux 5.19 or later")
    }
    if !contents[index].microcode.isEmpty, index > 0 || member.codec != .raw {
      let isHidden = member.codec != .raw || isCompressedBefore(index)
      if isHidden {
        findings.add(
          .warning, .microcodeHidden, member: index,
          "microcode in or after a compressed member; the kernel searches only the uncompressed "
            + "archives before it")
      }
    }
  }

  private func isCompressedBefore(_ index: Int) -> Bool {
    codecs[..<index].contains { $0 != .raw }
  }

  private mutating func judgeInit() {
    guard let real = realInit(Array("/init".utf8)) else {
      findings.add(
        .warning, .noInit, "no /init; the kernel mounts the root= device instead, or panics")
      return
    }
    if !real.isExecutable {
      findings.add(
        .warning, .initNotExecutable, path: real.chain.last,
        "/init is not, and does not link to, an executable file")
    }
  }

  /// A size in newc has 32 bits. Some writers truncate larger sizes to the lower 32 bits, and the
  /// kernel then finds data where it expects a header.
  private mutating func judgeSizes() {
    guard let refusal = summary.refusal, refusal.isOfMagic,
      let last = lastFile
    else { return }
    findings.add(
      .note, .fourGigabytes, member: summary.members.indices.last, path: last,
      "last file before the error; if it was 4 GiB or larger, newc cannot hold its size "
        + "(4294967295 bytes at most)")
  }

  /// Adds a finding for each option that the image needs and `config` lacks.
  mutating func compare(with config: KernelConfig) {
    for (index, member) in summary.members.enumerated() {
      guard let option = member.codec.kernelOption, !config.has(option) else { continue }
      findings.add(
        .error, .compressorMissing, member: index,
        "\(option) is not set in \(config.path): cannot unpack the \(member.codec) member")
    }
    if !config.has("CONFIG_BLK_DEV_INITRD") {
      findings.add(
        .error, .optionMissing,
        "CONFIG_BLK_DEV_INITRD is not set in \(config.path): no initramfs support")
    }
    if !config.has("CONFIG_TMPFS") {
      findings.add(
        .warning, .optionMissing,
        "CONFIG_TMPFS is not set in \(config.path): rootfs is ramfs, LeafRoot cannot make a leaf")
    }
    if rules.hasTimeOption, !config.has("CONFIG_INITRAMFS_PRESERVE_MTIME") {
      findings.add(
        .note, .optionMissing,
        "CONFIG_INITRAMFS_PRESERVE_MTIME is not set in \(config.path): files get the time of the "
          + "boot"
      )
    }
  }
}
