// SPDX-License-Identifier: MIT

import Foundation
import OddImages
import SystemPackage
import TestSupport
import Testing

/// A directory with an `image`, a kernel `vmlinuz` and a script in the place of QEMU, in which the
/// tool runs.
struct FakeMachine {
  let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try directory.file("leafroot-init.x86_64", FakeMachine.program)
    try directory.file("image", archive([.file("init", "#!", 0o755)]))
    var kernel = [UInt8](repeating: 0, count: 0x400)
    kernel.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
    try directory.file("vmlinuz", kernel)
  }

  /// What the tool takes for the built leafroot-init: an ELF header for x86_64.
  static var program: [UInt8] {
    var program = [UInt8](repeating: 0, count: 64)
    program.replaceSubrange(0..<6, with: [0x7F, 0x45, 0x4C, 0x46, 2, 1])
    program[18] = 62
    return program
  }

  /// Prints the check of a boot as promised.
  static let check = ": > \"$serial\"\n" + append

  /// The same, behind what the console has.
  static let append = #"""
    printf '\033[2J@leafroot check ' >> "$serial"
    cat >> "$serial" <<'END'
    {"mountId":29,"parentId":1,"type":"tmpfs","options":"rw","isLeaf":true,\#
    "pivotRoot":"ok","asPromised":true,"uptime":1}
    END
    """#

  /// Puts a script in the place of QEMU; `$serial` is the file for the console, `$memory` the RAM in
  /// MiB, `$pipe` the FIFOs of a relayed console.
  /// - Parameter probe: its exit status where it is asked whether KVM serves guests: 0x21 for yes.
  func qemu(_ script: String, probe: Int = 1) throws {
    try directory.file(
      "qemu-system-x86_64",
      Array(
        """
        #!/bin/sh
        serial= memory= pipe=
        for word; do
          case $word in
            file:*) serial=${word#file:};;
            pipe,*) serial=${word##*,logfile=} pipe=${word#*,path=} pipe=${pipe%%,*};;
            [0-9]*M) memory=${word%M};;
          esac
        done
        [ "$serial" ] || exit \(probe)
        \(script)

        """.utf8), permissions: 0o755)
  }

  /// The directories of runs that are there.
  var runs: [String] {
    get throws { try directory.names.filter { $0.hasPrefix("leafroot-") && !$0.contains(".") } }
  }

  func boot(_ options: String...) throws -> Command.Ended { try verb("boot", options) }

  func leastMemory(_ options: String...) throws -> Command.Ended {
    try verb("least-memory", options)
  }

  private func verb(_ verb: String, _ options: [String]) throws -> Command.Ended {
    try run(Command([Command.leafroot, verb, "image", "--kernel", "vmlinuz"] + options))
  }

  /// Runs the tool.
  func leafroot(_ arguments: String...) throws -> Command.Ended {
    try run(Command([Command.leafroot] + arguments))
  }

  /// Runs a script in the directory, with the tool as `$leafroot`.
  func shell(_ script: String) throws -> Command.Ended {
    var command = Command(["sh", "-c", script])
    command.environment["leafroot"] = Command.leafroot
    return try run(command)
  }

  /// Starts a boot with a shell on `terminal`.
  func shell(on terminal: Pseudoterminal, _ options: String...) throws -> Command.Running {
    try prepared(
      Command([Command.leafroot, "shell", "image", "--kernel", "vmlinuz"] + options)
    ).start(on: terminal)
  }

  private func run(_ command: Command) throws -> Command.Ended { try prepared(command).run() }

  private func prepared(_ command: Command) -> Command {
    var command = command
    command.directory = directory.path
    command.environment["LEAFROOT_LIB"] = "."
    command.environment["LEAFROOT_LIBEXEC"] = "."
    command.environment["TMPDIR"] = directory.path.string
    let path = command.environment["PATH"] ?? ""
    command.environment["PATH"] = "\(directory.path):\(path)"
    return command
  }

  /// Whether the process that wrote its number to `pid` is there.
  func isRunning(_ pid: String = "pid") throws -> Bool {
    let pid = String(decoding: try directory.bytes(pid), as: UTF8.self)
    return kill(try #require(Int32(pid.dropLast())), 0) == 0
  }
}
