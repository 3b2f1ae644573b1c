// SPDX-License-Identifier: MIT

public import Images
public import Packing

/// How images are booted.
public struct BootSettings: Sendable {
  /// The machine's RAM.
  public var memory = ByteSize(mebibytes: 512)
  /// The number of virtual processors.
  public var cpus = 1
  /// Kernel parameters to add after ours.
  public var append: String?
  /// Whether to boot without the leaf, even if the image is wrapped or packed.
  public var isStock = false
  /// The time limit of the machine, in seconds; one of ``timeouts``.
  public var timeout = 120.0
  /// Whether to count instructions as time; see ``Machine/countsInstructions``.
  public var countsInstructions = false
  /// The command to run after the check, starting with its program; empty for none.
  public var command: [String] = []
  /// The terminal that the console becomes for the command; nil if it has none.
  public var terminal: Terminal?

  /// The valid time limits in seconds. Swift's clocks trap on times too large to add.
  public static let timeouts = 0.1...1_000_000

  /// Creates the settings of a boot without a command.
  public init() {}

  /// Makes the initramfs in `directory` and the machine that boots it.
  /// - Parameter program: The program that runs the check.
  /// - Throws: ``FileError``; `CancellationError`.
  public func machine(
    _ images: [Image], _ kernel: Kernel, _ program: GuestInit, in directory: RunDirectory
  ) throws -> Machine {
    var boot = CheckedBoot(images, program: program)
    boot.command = command
    boot.terminal = terminal
    boot.isStock = isStock
    boot.append = append.map { [$0] } ?? []

    var machine = try boot.machine(kernel: kernel, in: directory)
    machine.memory = memory.mebibytes
    machine.cpus = cpus
    machine.countsInstructions = countsInstructions
    machine.timeout = .seconds(timeout)
    return machine
  }
}
