// SPDX-License-Identifier: MIT

public import Images
public import Packing

/// How images are booted.
public struct BootSettings: Sendable {
  /// RAM.
  public var memory = ByteSize(mebibytes: 512)
  /// Virtual processors.
  public var cpus = 1
  /// Kernel parameters, after ours.
  public var append: String?
  /// Boots without the leaf, even if the image is wrapped or packed.
  public var isStock = false
  /// How long the machine may run, in seconds; one of ``timeouts``.
  public var timeout = 120.0
  /// Counts instructions as time; see ``Machine/countsInstructions``.
  public var countsInstructions = false
  /// The command to run after the check, its program first; none if empty.
  public var command: [String] = []
  /// The terminal that the console is for the command; nil if it has none.
  public var terminal: Terminal?

  /// In seconds. Swift's clocks end the program at times that they cannot add.
  public static let timeouts = 0.1...1_000_000

  /// A boot without a command.
  public init() {}

  /// Makes the initramfs in `directory` and the machine that boots it.
  /// - Parameter program: The program that checks.
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
