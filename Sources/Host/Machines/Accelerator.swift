// SPDX-License-Identifier: MIT

import Glibc
public import Packing
import Synchronization
import SystemPackage

extension Machine.Accelerator {
  /// KVM if it can run a guest of this architecture, otherwise emulation.
  ///
  /// Opening /dev/kvm proves nothing: in some virtual machines the guest never executes an
  /// instruction; in others the host emulates each instruction, and a kernel never gets as far as
  /// its first line. Therefore a test guest counts to 64 Mi, once per process.
  public static func best(for architecture: Architecture) async -> Self {
    // The probe is x86 code; other hosts use emulation.
    guard architecture == .x86, Architecture.host == .x86 else { return .tcg }
    if hasFailed.withLock({ $0 }) { return .tcg }
    return await servesGuests.value ? .kvm : .tcg
  }

  /// Notes that KVM failed during a run: some hosts run the test guest, but no kernel.
  static func avoidKVM() { hasFailed.withLock { $0 = true } }

  private static let hasFailed = Mutex(false)

  private static let servesGuests = Task {
    guard access("/dev/kvm", R_OK | W_OK) == 0 else { return false }
    guard let rom = try? RunDirectory.temporary() else { return false }
    defer { rom.remove() }
    let path = rom.path.appending("probe.rom")
    guard (try? write(probe, to: path)) != nil else { return false }

    let status = await QEMU.exitStatus(
      of: "qemu-system-x86_64",
      [
        // The processor model of a real run: one KVM ran the default model up to the kernel's
        // decompressor, but could not set up this one.
        "-M", "q35", "-accel", "kvm", "-cpu", "max", "-nodefaults", "-display", "none",
        "-no-reboot",
        "-bios", path.string, "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
      ], within: .seconds(2))
    // isa-debug-exit ends QEMU with (value << 1) | 1.
    return status == 0x10 << 1 | 1
  }

  /// A 64 KiB firmware whose reset vector, 16 bytes before its end, counts and then writes 0x10 to
  /// port 0xf4. This takes about 0.02 s on a processor.
  private static var probe: [UInt8] {
    var rom = [UInt8](repeating: 0, count: 64 << 10)
    let code: [UInt8] = [
      0x66, 0xB9, 0x00, 0x00, 0x00, 0x04,  // mov ecx, 0x4000000
      0x66, 0x49,  // dec ecx
      0x75, 0xFC,  // jnz -4
      0xB0, 0x10,  // mov al, 0x10
      0xE6, 0xF4,  // out 0xf4, al
      0xF4,  // hlt
    ]
    rom.replaceSubrange(0xFFF0..<(0xFFF0 + code.count), with: code)
    return rom
  }

  private static func write(_ bytes: [UInt8], to path: FilePath) throws {
    let descriptor = try FileDescriptor.open(
      path, .writeOnly, options: [.create, .exclusiveCreate], permissions: .ownerReadWrite)
    _ = try descriptor.closeAfter { try descriptor.writeAll(bytes) }
  }
}
