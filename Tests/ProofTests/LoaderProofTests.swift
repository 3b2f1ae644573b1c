// SPDX-License-Identifier: MIT

import BootEntries
import Machines
import Packing
import SystemPackage
import Testing

@testable import BootHarness

/// Boot loaders with what `leafroot entry` prints: all of them, with BIOS and with UEFI.
@Suite struct LoaderProofTests {
  /// For loaders that make no files of images.
  private static let plainForms: [LoaderBoot.Form] = [.wrapped, .segment, .packed, .squashed]

  @Test(arguments: LoaderBoot.Form.allCases, LoaderBoot.Server.allCases)
  func `iPXE, BIOS`(form: LoaderBoot.Form, server: LoaderBoot.Server) async throws {
    let boot = try LoaderBoot(form)
    try await boot.runIPXE(server).expectPromise()
  }

  @Test(arguments: plainForms, LoaderBoot.Server.allCases)
  func `iPXE, UEFI, without injection: the one of QEMU`(
    form: LoaderBoot.Form, server: LoaderBoot.Server
  ) async throws {
    let boot = try LoaderBoot(form, .uefi)
    try await boot.runIPXE(server).expectPromise()
  }

  @Test(arguments: LoaderBoot.Form.allCases)
  func `iPXE, UEFI, with injection: a newer one`(form: LoaderBoot.Form) async throws {
    let boot = try LoaderBoot(form, .uefi)
    try boot.write(
      boot.text(for: .ipxe, prefix: LoaderBoot.Server.http.prefix), to: "entry.ipxe")
    let disk = try boot.makeIPXEDisk()
    try await boot.runFromNetwork(
      "entry.ipxe",
      ["-drive", "format=raw,if=none,id=disk,file=\(disk)"]
        + ["-device", "ide-hd,drive=disk,bootindex=0"]
    ).expectPromise()
  }

  @Test(arguments: plainForms, LoaderBoot.Firmware.allCases)
  func `GRUB, from an ISO`(form: LoaderBoot.Form, firmware: LoaderBoot.Firmware) async throws {
    try await LoaderBoot(form, firmware).runGRUB().expectPromise()
  }

  @Test func `GRUB, UEFI, nests an unmodified image`() async throws {
    let boot = try LoaderBoot(.nested, .uefi)
    try boot.write(boot.text(for: .grub), to: "entry.cfg")
    try boot.write("set timeout=0\nsource /entry.cfg\n", to: "EFI/debian/grub.cfg")
    try boot.copy(
      LoaderBoot.loaders("grub").appending("usr/lib/grub/x86_64-efi/monolithic/grubx64.efi"),
      to: LoaderBoot.removableLoader)
    try await boot.runDisk().expectPromise()
  }

  @Test func `twin: without its first word, GRUB's entry makes no leaf`() async throws {
    let boot = try LoaderBoot(.wrapped)
    let outcome = try await boot.runGRUB { $0.replacing(KernelParameters.program + " ", with: "") }
    #expect(outcome.verdict.outcome == .notAsPromised, "\(outcome)")
  }

  @Test func `names with blanks, quotes and dollar signs`() async throws {
    let name = "it's 1 $name & more.img"
    try await LoaderBoot(.nested, image: name).runIPXE(.http).expectPromise()
    try await LoaderBoot(.segment, .uefi, image: name).runIPXE(.http).expectPromise()
    try await LoaderBoot(.segment, image: name).runGRUB().expectPromise()
    try await LoaderBoot(.segment, image: name).runQEMU().expectPromise()
    try await LoaderBoot(.segment, image: name).runKexec().expectPromise()
    let boot = try LoaderBoot(.segment, .uefi, image: name)
    try boot.makeUKI()
    try await boot.runDisk().expectPromise()
  }

  @Test(arguments: plainForms, ["systemd", "newer-systemd"])
  func `systemd-boot`(form: LoaderBoot.Form, version: String) async throws {
    let boot = try LoaderBoot(form, .uefi)
    try boot.write(boot.text(for: .systemdBoot), to: "loader/entries/leafroot.conf")
    try boot.copy(
      LoaderBoot.loaders(version).appending("usr/lib/systemd/boot/efi/systemd-bootx64.efi"),
      to: LoaderBoot.removableLoader)
    try await boot.runDisk().expectPromise()
  }

  @Test(arguments: plainForms)
  func `a unified kernel image`(form: LoaderBoot.Form) async throws {
    let boot = try LoaderBoot(form, .uefi)
    try boot.makeUKI()
    try await boot.runDisk().expectPromise()
  }

  @Test(arguments: plainForms) func `ISOLINUX`(form: LoaderBoot.Form) async throws {
    let boot = try LoaderBoot(form)
    try boot.writeSyslinux(.extlinux, configuration: "isolinux.cfg")
    let root = LoaderBoot.loaders("syslinux").appending("usr/lib")
    try boot.copy(root.appending("ISOLINUX/isolinux.bin"), to: "isolinux.bin")
    try boot.copy(root.appending("syslinux/modules/bios/ldlinux.c32"), to: "ldlinux.c32")
    let iso = try boot.makeISO(
      "xorriso", "-as", "mkisofs", "-quiet", "-b", "isolinux.bin", "-c", "boot.cat",
      "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table")
    try await boot.run(["-cdrom", iso.string]).expectPromise()
  }

  @Test(arguments: plainForms) func `SYSLINUX, UEFI`(form: LoaderBoot.Form) async throws {
    let boot = try LoaderBoot(form, .uefi)
    try boot.writeSyslinux(.extlinux, configuration: "EFI/BOOT/syslinux.cfg", prefix: "/")
    let root = LoaderBoot.loaders("syslinux").appending("usr/lib")
    try boot.copy(root.appending("SYSLINUX.EFI/efi64/syslinux.efi"), to: LoaderBoot.removableLoader)
    try boot.copy(root.appending("syslinux/modules/efi64/ldlinux.e64"), to: "EFI/BOOT/ldlinux.e64")
    try await boot.runDisk().expectPromise()
  }

  @Test(arguments: plainForms) func `PXELINUX over TFTP`(form: LoaderBoot.Form) async throws {
    let boot = try LoaderBoot(form)
    try boot.writeSyslinux(.pxelinux, configuration: "pxelinux.cfg/default")
    let root = LoaderBoot.loaders("syslinux").appending("usr/lib")
    try boot.copy(root.appending("PXELINUX/pxelinux.0"), to: "pxelinux.0")
    try boot.copy(root.appending("syslinux/modules/bios/ldlinux.c32"), to: "ldlinux.c32")
    try await boot.runFromNetwork("pxelinux.0").expectPromise()
  }

  @Test(arguments: plainForms) func `PXELINUX over TFTP, UEFI`(form: LoaderBoot.Form) async throws {
    let boot = try LoaderBoot(form, .uefi)
    try boot.writeSyslinux(.pxelinux, configuration: "pxelinux.cfg/default")
    let root = LoaderBoot.loaders("syslinux").appending("usr/lib")
    try boot.copy(root.appending("SYSLINUX.EFI/efi64/syslinux.efi"), to: "syslinux.efi")
    try boot.copy(root.appending("syslinux/modules/efi64/ldlinux.e64"), to: "ldlinux.e64")
    try await boot.runFromNetwork("syslinux.efi", rom: false).expectPromise()
  }

  @Test(arguments: plainForms) func `QEMU itself`(form: LoaderBoot.Form) async throws {
    try await LoaderBoot(form).runQEMU().expectPromise()
  }

  @Test(arguments: plainForms)
  func `kexec, from a running system`(form: LoaderBoot.Form) async throws {
    try await LoaderBoot(form).runKexec().expectPromise()
  }

  @Test func `kexec, from a squashed system to another`() async throws {
    try await LoaderBoot(.squashed).runKexec(isSquashed: true).expectPromise()
  }
}
