// SPDX-License-Identifier: MIT

import Fidelity
import Files
import Foundation
import Images
import Initramfs
import Machines
import Packing
import Subprocess
import SystemPackage
import Testing

/// One boot of a user-mode Linux that `make kernel` has built, with what to run in it. Its root is
/// made by the kernel itself, before it unpacks the tree: nothing of ours is in the image but the
/// check.
struct UserModeBoot {
  /// Which of them: `linux-um-6.12`, `linux-um-6.12-faulty`, `linux-no-tmpfs-6.12`.
  var kernel = "linux-um-6.12"
  var tree = GuestTree()
  /// A tree that has been written already, in place of `tree`.
  var written: FilePath?
  /// Images behind the tree, as they are.
  var images: [FilePath] = []
  /// What runs after the check where there is no script.
  var command: [String] = []
  /// Words for the kernel. rootfs is a tmpfs, as it is on other machines without `root=`.
  var parameters = ["rootfstype=tmpfs", "nonroot_initramfs"]
  /// In MiB.
  var memory = 256
  /// In seconds of the host.
  var timeout = 180

  /// Boots, runs the check and `script` in the guest's shell, and says what was seen.
  func run(_ script: String = "") async throws -> Outcome {
    try await Gate.shared.pass { try await boot(script) }
  }

  private func boot(_ script: String) async throws -> Outcome {
    let directory = try RunDirectory.temporary()
    defer { directory.remove() }
    let image = written ?? directory.path.appending("tree.img")
    if written == nil { try OutputFile.write(Segment(tree.records).bytes, to: image) }

    let program = try GuestInit(Place.library.appending("leafroot-init.x86_64"), for: .x86)
    var checked = CheckedBoot(try ([image] + images).map { try Image(path: $0) }, program: program)
    checked.command = script.isEmpty ? command : ["/bin/busybox", "sh", "-c", script]
    // `parameters` are all, also where PID 1 is in the tree.
    checked.isStock = true
    checked.append = parameters
    try Initrd.write(checked.segment(), checked.images, into: directory.initrd)

    let (console, isLate) = try await console(of: directory.initrd, checked.parameters)
    let verdict = Verdict(console, ending: isLate ? .timedOut : .byGuest)
    return Outcome(verdict: verdict, console: console)
  }

  /// What the kernel and what it starts print, and whether there was no end of it.
  func console(of initrd: FilePath, _ parameters: [String]) async throws -> (Console, isLate: Bool)
  {
    // The guest's restart would start the program again, for ever: noreboot.
    var arguments = ["--signal=KILL", "\(timeout)", Place.kernels.appending(kernel).string]
    arguments += ["mem=\(memory)M", "initrd=\(initrd)", "con=null", "con0=fd:0,fd:1"]
    arguments += ["quiet", "panic=-1", "noreboot"] + parameters
    let result = try await Subprocess.run(
      .name("timeout"), arguments: Arguments(arguments),
      platformOptions: apart, input: .none, output: .bytes(limit: 16 << 20),
      error: .combinedWithOutput)
    // timeout(1), EXIT STATUS: it may have killed itself with the others.
    let isLate = [.exited(137), .signaled(9)].contains(result.terminationStatus)
    return (Console(result.standardOutput), isLate)
  }

  /// A session of its own, so that a terminal's Ctrl-C does not reach the guest's console.
  private var apart: PlatformOptions {
    var options = PlatformOptions()
    options.createSession = true
    return options
  }
}
