// SPDX-License-Identifier: MIT

import Files
import Packing
public import SystemPackage

/// A virtual machine that runs once: QEMU with a kernel, an initramfs and a console.
public struct Machine: Sendable {
  /// What executes the guest's instructions.
  public enum Accelerator: String, Codable, Sendable {
    /// The processor itself.
    case kvm
    /// QEMU's emulation.
    case tcg
  }

  /// The kernel; its architecture is the machine's.
  public var kernel: Kernel
  /// The initramfs as one file; nil for none.
  public var initrd: FilePath?
  /// Kernel parameters, added to those of every machine.
  public var parameters: [String]
  /// RAM in MiB.
  public var memory = 512
  /// The number of virtual processors.
  public var cpus = 1
  /// Whether to emulate several processors in threads of their own (QEMU's MTTCG) instead of in
  /// turns. This is faster, but when a kernel patches its code, one processor can run what another
  /// has replaced, and then panic (`Oops: int3`):
  /// https://gitlab.com/qemu-project/qemu/-/work_items/4669.
  public var emulatesInParallel = false
  /// Whether to count instructions as nanoseconds (`-icount shift=0`), which makes guest time
  /// independent of the host's load. Requires emulation and a single processor.
  public var countsInstructions = false
  /// A Unix socket on which QEMU's monitor listens; nil for none.
  public var monitor: FilePath?
  /// The time after which QEMU is killed.
  public var timeout: Duration = .seconds(120)

  /// Creates a machine with one processor and 512 MiB.
  public init(kernel: Kernel, initrd: FilePath?, parameters: [String] = []) {
    self.kernel = kernel
    self.initrd = initrd
    self.parameters = parameters
  }

  /// The destination of the console.
  public enum Serial: Sendable {
    /// A file. (A pipe from timeout(1) would lose the end of the log.)
    case file(FilePath)
    /// QEMU's `pipe`, two FIFOs named after this path, and a file.
    case pipe(FilePath, log: FilePath)
    /// The terminal; Ctrl-A switches to QEMU's monitor.
    case terminal
  }

  /// The name of the QEMU program.
  public var program: String { "qemu-system-\(kernel.architecture)" }

  /// The kernel's command line.
  public var commandLine: String {
    let console = kernel.architecture == .arm ? "ttyAMA0" : "ttyS0"
    // panic=-1 reboots at once, and with -no-reboot QEMU then exits. no_timer_check: on a busy host
    // the emulated timer looks broken to an x86 kernel.
    var base = ["console=\(console)", "quiet", "panic=-1"]
    if kernel.architecture == .x86 { base.append("no_timer_check") }
    return (base + parameters).joined(separator: " ")
  }

  /// QEMU's arguments.
  public func arguments(accelerator: Accelerator, serial: Serial) -> [String] {
    var arguments: [String]
    switch kernel.architecture {
    case .x86: arguments = ["-M", "q35", "-cpu", "max"]
    // With -cpu max, user space starts after 25 s instead of 3, since pointer authentication is
    // emulated. Processors before this one have no 16 KiB pages.
    case .arm: arguments = ["-M", "virt", "-cpu", accelerator == .kvm ? "host" : "cortex-a76"]
    case .riscv: arguments = ["-M", "virt", "-cpu", "rv64"]
    }

    var accel = accelerator.rawValue
    if accelerator == .tcg && cpus > 1 {
      accel += ",thread=\(emulatesInParallel ? "multi" : "single")"
    }
    arguments += ["-accel", accel, "-m", "\(memory)M", "-smp", "\(cpus)"]
    if countsInstructions {
      arguments += ["-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01,clock=vm"]
    }
    arguments += ["-no-reboot", "-nic", "none"]

    let monitor = monitor.map { "unix:\($0),server=on,wait=off" } ?? "none"
    switch serial {
    case .file(let path):
      arguments += ["-display", "none", "-monitor", monitor, "-serial", "file:\(path)"]
    case .pipe(let path, let log):
      arguments += [
        "-display", "none", "-monitor", monitor, "-serial", "chardev:console",
        "-chardev", "pipe,id=console,path=\(Machine.value(path)),logfile=\(Machine.value(log))",
      ]
    case .terminal:
      arguments += ["-nographic"]
    }

    arguments += ["-kernel", kernel.path.string]
    if let initrd { arguments += ["-initrd", initrd.string] }
    return arguments + ["-append", commandLine]
  }

  /// Escapes a path for an argument with several values, where a comma ends a value.
  private static func value(_ path: FilePath) -> String {
    path.string.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,")
  }

  /// The command that boots the same machine on a terminal, quoted for sh(1).
  public func replay(accelerator: Accelerator) -> String {
    ([program] + arguments(accelerator: accelerator, serial: .terminal))
      .map(shellQuoted).joined(separator: " ")
  }
}
