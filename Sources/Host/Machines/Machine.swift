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
  /// Kernel parameters, after those for every machine.
  public var parameters: [String]
  /// RAM in MiB.
  public var memory = 512
  /// Virtual processors.
  public var cpus = 1
  /// Emulates several processors in threads of their own (QEMU's MTTCG) instead of in turns. This is
  /// faster, but where a kernel patches its code, one processor can run what another has replaced,
  /// and then panics (`Oops: int3`): https://gitlab.com/qemu-project/qemu/-/work_items/4669.
  public var emulatesInParallel = false
  /// Counts instructions as nanoseconds (`-icount shift=0`): guest time is then independent of the
  /// load of the host. Only with one processor, and only with emulation.
  public var countsInstructions = false
  /// A Unix socket on which QEMU's monitor listens; nil for none.
  public var monitor: FilePath?
  /// How long it may run before QEMU is killed.
  public var timeout: Duration = .seconds(120)

  /// A machine of one processor and 512 MiB.
  public init(kernel: Kernel, initrd: FilePath?, parameters: [String] = []) {
    self.kernel = kernel
    self.initrd = initrd
    self.parameters = parameters
  }

  /// The destination of the console.
  public enum Serial: Sendable {
    /// A file. (A pipe from timeout(1) lost the end of the log.)
    case file(FilePath)
    /// QEMU's `pipe`, two FIFOs of that name, and a file.
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
    // -cpu max takes 25 s to user space instead of 3: it emulates pointer authentication. Processors
    // before this one have no pages of 16 KiB.
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

  /// A path in an argument of several values, where a comma ends one.
  private static func value(_ path: FilePath) -> String {
    path.string.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,")
  }

  /// The command that boots the same machine on a terminal, quoted for sh(1).
  public func replay(accelerator: Accelerator) -> String {
    ([program] + arguments(accelerator: accelerator, serial: .terminal))
      .map(shellQuoted).joined(separator: " ")
  }
}
