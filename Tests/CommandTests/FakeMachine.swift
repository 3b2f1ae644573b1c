// SPDX-License-Identifier: MIT

import Foundation
import OddImages
import Samples
import SystemPackage
import TestSupport
import Testing

/// A directory with an `image`, a kernel `vmlinuz` and a script in the place of QEMU, in which the
/// tool runs.
struct FakeMachine {
  let leafroot: Tool
  var directory: TemporaryDirectory { leafroot.directory }

  init() throws {
    let directory = try TemporaryDirectory()
    try directory.file("leafroot-init.x86_64", elf(count: 64))
    try directory.file("image", archive([.file("init", "#!", 0o755)]))
    try directory.file("vmlinuz", x86Kernel())
    var leafroot = Tool(in: directory)
    leafroot.environment["LEAFROOT_LIBEXEC"] = "."
    leafroot.environment["TMPDIR"] = directory.path.string
    let path = leafroot.environment["PATH"] ?? ""
    leafroot.environment["PATH"] = "\(directory.path):\(path)"
    self.leafroot = leafroot
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

  func boot(_ options: String...) throws -> Command.Ended {
    try leafroot(["boot", "image", "--kernel", "vmlinuz"] + options)
  }

  func leastMemory(_ options: String...) throws -> Command.Ended {
    try leafroot(["least-memory", "image", "--kernel", "vmlinuz"] + options)
  }

  /// Runs a script in the directory, with the tool as `$leafroot`.
  func shell(_ script: String) throws -> Command.Ended { try leafroot.shell(script) }

  /// Starts a boot with a shell on `terminal`.
  func shell(on terminal: Pseudoterminal, _ options: String...) throws -> Command.Running {
    try leafroot.command(["shell", "image", "--kernel", "vmlinuz"] + options).start(on: terminal)
  }

  /// Whether the process that wrote its number to `pid` is there.
  func isRunning(_ pid: String = "pid") throws -> Bool {
    let pid = String(decoding: try directory.bytes(pid), as: UTF8.self)
    return kill(try #require(Int32(pid.dropLast())), 0) == 0
  }
}
