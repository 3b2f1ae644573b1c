// SPDX-License-Identifier: MIT

import BootFacts
import Files
import Packing

/// The command that boots a virtual machine on this terminal: qemu(1).
struct QEMUCommand {
  let text: String

  init(_ entry: BootEntry) {
    let machine: String
    let console: String
    switch entry.architecture {
    case .x86: (machine, console) = ("-M q35 -cpu max", "ttyS0")
    case .arm: (machine, console) = ("-M virt -cpu max", "ttyAMA0")
    case .riscv: (machine, console) = ("-M virt", "ttyS0")
    }
    // The real init needs memory too: add a quarter.
    let memory = max(512, (entry.memory * 5 / 4 + 63) / 64 * 64)
    let words = KernelCommandLine(Array(entry.parameters.utf8))
    let output = words.value(of: "console") == nil ? "console=\(console) " : ""
    let initrd = OneInitrd(entry.initrds)
    text = """
      \(entry.comments)\
      # QEMU emulates the processor; where KVM works, add -accel kvm
      \(initrd.command)\
      qemu-system-\(entry.architecture) \(machine) -m \(memory)M -nographic -no-reboot \\
        -kernel \(shellQuoted(entry.kernel)) \\
        -initrd \(shellQuoted(initrd.path)) \\
        -append \(shellQuoted(output + entry.parameters))

      """
  }
}
