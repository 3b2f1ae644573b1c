// SPDX-License-Identifier: MIT

import BootEntries
import Fidelity
import Foundation
import SystemPackage
import TestSupport

/// The setup that each boot loader needs around its entry.
extension LoaderBoot {
  /// The path where UEFI looks for a disk's boot loader.
  static let removableLoader = "EFI/BOOT/BOOTX64.EFI"

  /// Boots the iPXE of QEMU's network card.
  func runIPXE(_ server: Server) async throws -> Outcome {
    try write(text(for: .ipxe, prefix: server.prefix), to: "entry.ipxe")
    return try await runFromNetwork("entry.ipxe")
  }

  /// Makes a disk with only a newer iPXE, which continues with `entry.ipxe` from the network.
  func makeIPXEDisk() throws -> FilePath {
    let disk = directory.path.appending("ipxe.disk")
    let script = try directory.file(
      "autoexec.ipxe", Array("#!ipxe\ndhcp\nchain \(Server.http.prefix)entry.ipxe\n".utf8))
    let ipxe = Self.loaders("ipxe").appending("usr/lib/ipxe/ipxe-amd64.efi")
    for words in [
      ["mformat", "-C", "-F", "-i", disk.string, "-T", "81920", "::"],
      ["mmd", "-i", disk.string, "::/EFI", "::/EFI/BOOT"],
      ["mcopy", "-i", disk.string, ipxe.string, "::/\(Self.removableLoader)"],
      ["mcopy", "-i", disk.string, script.string, "::/EFI/BOOT/autoexec.ipxe"],
      ["mcopy", "-i", disk.string, script.string, "::/autoexec.ipxe"],
    ] {
      _ = try Command(words).output()
    }
    return disk
  }

  /// Boots the medium as an ISO with GRUB, for BIOS and UEFI.
  func runGRUB(_ change: (String) -> String = { $0 }) async throws -> Outcome {
    try write(change(text(for: .grub)), to: "entry.cfg")
    try write("set timeout=0\nsource /entry.cfg\n", to: "boot/grub/grub.cfg")
    return try await run(["-cdrom", try makeISO("grub-mkrescue", "-quiet").string])
  }

  /// Writes the entry, and a configuration that boots it immediately.
  ///
  /// - Parameter prefix: The prefix of paths, if the configuration is not beside the images.
  func writeSyslinux(_ loader: Loader, configuration: String, prefix: String = "") throws {
    try write(text(for: loader, prefix: prefix.isEmpty ? nil : prefix), to: "entry.cfg")
    try write("DEFAULT leafroot\nINCLUDE \(prefix)entry.cfg\n", to: configuration)
  }

  /// Builds the unified kernel image in the place where UEFI looks for a boot loader.
  func makeUKI() throws {
    let text = try text(for: .uki, kernel: kernel.string)
    // ukify does not find the stub by itself, and Debian's python has its libraries.
    let ukify = Self.loaders("ukify").appending("usr/lib/systemd/ukify")
    let stub = Self.loaders("newer-systemd").appending("usr/lib/systemd/boot/efi/linuxx64.efi.stub")
    try directory.file(
      "ukify", Array("#!/bin/sh\nexec /usr/bin/python3 '\(ukify)' \"$@\" --stub='\(stub)'\n".utf8),
      permissions: 0o755)
    var command = Command(["sh", "-c", text], in: medium)
    command.environment["PATH"] = "\(directory.path):\(command.environment["PATH"] ?? "/usr/bin")"
    _ = try command.output()
    try copy(medium.appending("leafroot.efi"), to: Self.removableLoader)
  }

  /// Runs the command for QEMU.
  func runQEMU() async throws -> Outcome {
    try await run(
      shell: text(
        for: .qemu, kernel: kernel.string, append: "panic=-1 no_timer_check \(Self.words)"))
  }

  /// Boots a system with kexec, the kernel and the images, and runs the entry there as a script.
  ///
  /// - Parameter isSquashed: Whether this system is a packed image, too, where kexec stays compressed.
  func runKexec(isSquashed: Bool = false) async throws -> Outcome {
    var tree = GuestTree(init: nil)
    let names = try FileManager.default.contentsOfDirectory(atPath: medium.string)
    for name in names { tree.file(name, try bytes(of: medium.appending(name))) }
    let kit = Self.loaders("kexec").appending("kit")
    for directory in ["kit", "kit/bin", "kit/lib"] { tree.directory(directory) }
    for directory in ["bin", "lib"] {
      let from = kit.appending(directory)
      for name in try FileManager.default.contentsOfDirectory(atPath: from.string) {
        tree.file("kit/\(directory)/\(name)", try bytes(of: from.appending(name)))
      }
    }
    tree.script("entry", try text(for: .kexec, prefix: "/"))
    tree.script(
      "init",
      """
      export PATH=/bin:/kit/bin
      /bin/busybox --install -s /bin
      mount -t proc proc /proc
      mount -t sysfs sys /sys
      mount -t devtmpfs dev /dev
      echo running the entry
      sh /entry
      echo kexec failed
      reboot -f
      """)
    var initrd = try directory.file("running.img", tree.image)
    if isSquashed {
      initrd = try squash("/kit", of: initrd, into: directory.path.appending("squashed.img"))
    }
    return try await run([
      "-kernel", kernel.string, "-initrd", initrd.string, "-append",
      "console=ttyS0 panic=-1 no_timer_check",
    ])
  }
}
