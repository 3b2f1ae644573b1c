// SPDX-License-Identifier: MIT

import Compression
import Newc

extension Inspector {
  /// Finds what shows only when all has been read.
  mutating func judge(_ reading: Reading) {
    if let refusal = reading.refusal {
      let place = refusal.unpackedOffset.map { ", \($0) of what is unpacked there" } ?? ""
      findings.add(
        .error, .refused, member: reading.members.indices.last,
        "offset \(refusal.offset)\(place): found \(refusal.found), expected \(refusal.expected); "
          + "the kernel says \"\(refusal.kernelMessage)\" and boots on with what it has")
    }
    if reading.isCutShort {
      findings.add(
        .error, .cutShort, member: reading.members.indices.last,
        "the image ends inside a record; the kernel says nothing, and the last file is short")
    }
    for (index, member) in reading.members.enumerated() {
      judge(member, index, next: reading.members.dropFirst(index + 1).first)
    }
    judgeInit()
    if (try? rootfs.find(Array("/dev/console".utf8), follow: true)) == nil {
      findings.add(
        .warning, .noConsole, "no /dev/console; programs start without standard input and output")
    } else if !rootfs.hasOwnConsole {
      findings.add(
        .note, .noConsole,
        "no /dev/console of its own; the kernel's built-in archive has one unless it was replaced")
    }
    judgeSizes(reading)
  }

  private mutating func judge(_ member: Member, _ index: Int, next: Member?) {
    if member.isCheckWrong {
      findings.add(
        .error, .checkWrong, member: index,
        "the \(member.codec) member is damaged: its check is wrong, at which no kernel looks")
    }
    if member.codec == .lz4, let next {
      let gap = next.offset - member.offset - member.size
      findings.add(
        .warning, .lz4Trap, member: index,
        "another member after \(gap) zero bytes behind lz4: Linux before 5.14 takes the zeros for "
          + "a chunk and stops")
    }
    if member.codec == .zstd {
      findings.add(.note, .oldKernels, member: index, "zstd needs Linux 5.9 or later")
    }
    if !contents[index].microcode.isEmpty, index > 0 || member.codec != .raw {
      let isHidden = member.codec != .raw || isCompressedBefore(index)
      if isHidden {
        findings.add(
          .warning, .microcodeHidden, member: index,
          "microcode in or behind a compressed member; the kernel looks only in raw archives "
            + "before that")
      }
    }
  }

  private func isCompressedBefore(_ index: Int) -> Bool {
    codecs[..<index].contains { $0 != .raw }
  }

  private mutating func judgeInit() {
    guard let real = realInit() else {
      findings.add(
        .warning, .noInit, "no /init; the kernel mounts what root= names, or panics")
      return
    }
    if !real.isExecutable {
      findings.add(
        .warning, .initNotExecutable, path: real.chain.last,
        "/init leads to no file that can be executed")
    }
  }

  /// newc has 32 bits for a size. Writers that do not mind keep the lower ones, and the kernel
  /// finds data where it looks for a header.
  private mutating func judgeSizes(_ reading: Reading) {
    guard let refusal = reading.refusal, refusal.kernelMessage == "no cpio magic",
      let last = lastFile
    else { return }
    findings.add(
      .note, .fourGigabytes, member: reading.members.indices.last, path: last,
      "the file before the fault; if it had 4 GiB or more, its writer lost the upper bits of the "
        + "size: newc has files of 4294967295 bytes at most")
  }

  /// Finds what a kernel of this configuration cannot do.
  mutating func compare(_ reading: Reading, with config: KernelConfig) {
    for (index, member) in reading.members.enumerated() {
      guard let option = member.codec.kernelOption, !config.has(option) else { continue }
      findings.add(
        .error, .compressorMissing, member: index,
        "\(config.path) lacks \(option): that kernel cannot unpack the \(member.codec) member")
    }
    if !config.has("CONFIG_BLK_DEV_INITRD") {
      findings.add(
        .error, .optionMissing, "\(config.path) lacks CONFIG_BLK_DEV_INITRD: no initramfs at all")
    }
    if !config.has("CONFIG_TMPFS") {
      findings.add(
        .warning, .optionMissing,
        "\(config.path) lacks CONFIG_TMPFS: rootfs is a ramfs, and there is no leaf")
    }
    if !config.has("CONFIG_INITRAMFS_PRESERVE_MTIME") {
      findings.add(
        .note, .optionMissing,
        "\(config.path) lacks CONFIG_INITRAMFS_PRESERVE_MTIME: files get the time of the boot")
    }
  }
}
