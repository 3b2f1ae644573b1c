// SPDX-License-Identifier: MIT

import Machines
import Packing
import SystemPackage
import TestSupport
import Testing

@Suite struct MachineTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func machine(_ architecture: Architecture = .x86) throws -> Machine {
    let kernel = try directory.kernel(architecture)
    return Machine(kernel: kernel, initrd: "it's.img", parameters: ["rdinit=/leafroot"])
  }

  @Test func `an x86 machine is emulated with all that QEMU can emulate`() throws {
    let machine = try machine()
    let arguments = machine.arguments(accelerator: .tcg, serial: .file("log"))
    #expect(machine.program == "qemu-system-x86_64")
    #expect(
      arguments.starts(with: [
        "-M", "q35", "-cpu", "max", "-accel", "tcg", "-m", "512M", "-smp", "1", "-no-reboot",
        "-nic", "none", "-display", "none", "-monitor", "none", "-serial", "file:log",
      ]))
    #expect(
      arguments.suffix(2) == [
        "-append", "console=ttyS0 quiet panic=-1 no_timer_check rdinit=/leafroot",
      ])
  }

  @Test func `an arm machine has another board, processor and console`() throws {
    let machine = try machine(.arm)
    #expect(machine.program == "qemu-system-aarch64")
    #expect(
      machine.arguments(accelerator: .tcg, serial: .terminal).starts(with: [
        "-M", "virt", "-cpu", "cortex-a76",
      ]))
    #expect(machine.commandLine == "console=ttyAMA0 quiet panic=-1 rdinit=/leafroot")
  }

  @Test func `a riscv machine has arm's board and x86's console`() throws {
    let machine = try machine(.riscv)
    #expect(machine.program == "qemu-system-riscv64")
    #expect(
      machine.arguments(accelerator: .tcg, serial: .terminal).starts(with: [
        "-M", "virt", "-cpu", "rv64",
      ]))
    #expect(machine.commandLine == "console=ttyS0 quiet panic=-1 rdinit=/leafroot")
  }

  @Test func `emulated processors take turns, unless they are to run in parallel`() throws {
    var machine = try machine()
    machine.cpus = 2
    func accelerator(_ accelerator: Machine.Accelerator) -> String? {
      let arguments = machine.arguments(accelerator: accelerator, serial: .terminal)
      return arguments.drop { $0 != "-accel" }.dropFirst().first
    }
    #expect(accelerator(.tcg) == "tcg,thread=single")
    #expect(accelerator(.kvm) == "kvm")
    machine.emulatesInParallel = true
    #expect(accelerator(.tcg) == "tcg,thread=multi")
    #expect(accelerator(.kvm) == "kvm")
  }

  @Test func `counting instructions fixes the clock too`() throws {
    var machine = try machine()
    machine.countsInstructions = true
    let arguments = machine.arguments(accelerator: .tcg, serial: .terminal)
    #expect(arguments.contains("shift=0,sleep=off"))
    #expect(arguments.contains("base=2026-01-01,clock=vm"))
    machine.countsInstructions = false
    #expect(!machine.arguments(accelerator: .tcg, serial: .terminal).contains("-icount"))
  }

  @Test func `a relayed console is a pipe with a log, whatever their paths contain`() throws {
    let arguments = try machine()
      .arguments(accelerator: .tcg, serial: .pipe("/a,b/console", log: "/a,b/log"))
    #expect(arguments.contains("pipe,id=console,path=/a,,b/console,logfile=/a,,b/log"))
  }

  @Test func `the replay is one line for sh, with the console on the terminal`() throws {
    let replay = try machine().replay(accelerator: .tcg)
    #expect(replay.contains(" -nographic "))
    #expect(replay.contains(#" -initrd 'it'\''s.img' "#))
    #expect(replay.hasSuffix("rdinit=/leafroot'"))
  }
}
