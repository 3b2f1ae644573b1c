// SPDX-License-Identifier: MIT

import Foundation
import Initramfs
import Machine
import Newc
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
  /// The tree is compressed by this program, which reads its input and writes its output.
  var compressor: [String] = []
  /// Words for the kernel. rootfs is a tmpfs, as it is on other machines without `root=`.
  var words = ["rootfstype=tmpfs", "nonroot_initramfs"]
  /// In MiB.
  var memory = 256

  /// Boots, runs the check and `script` in the guest's shell, and says what was seen.
  func run(_ script: String = "") async throws -> Outcome {
    try await Gate.shared.pass { try await boot(script) }
  }

  private func boot(_ script: String) async throws -> Outcome {
    let directory = try RunDirectory.temporary()
    defer { directory.remove() }
    let image = directory.path.appending("tree.img")
    defer { try? FileManager.default.removeItem(atPath: image.string) }
    try Data(Segment(tree.records).bytes).write(to: URL(filePath: image.string))
    if !compressor.isEmpty { try await compress(image) }

    let program = try GuestInit(Place.library.appending("leafroot-init.x86_64"), for: .x86)
    var checked = CheckedBoot([image], program: program)
    if !script.isEmpty { checked.command = ["/bin/busybox", "sh", "-c", script] }
    checked.append = words
    try Initrd.write(checked.segment(), [image], into: directory.initrd)

    // The guest's restart would start the program again, for ever: noreboot.
    var arguments = ["mem=\(memory)M", "initrd=\(directory.initrd)", "con=null", "con0=fd:0,fd:1"]
    arguments += ["quiet", "panic=-1", "noreboot"] + (try checked.words())
    let result = try await Subprocess.run(
      .path(Place.kernels.appending(kernel)), arguments: Arguments(arguments),
      platformOptions: apart, input: .none, output: .bytes(limit: 16 << 20),
      error: .combinedWithOutput)
    let console = Console(result.standardOutput)
    return Outcome(verdict: Verdict(console, ending: .byGuest), console: console)
  }

  private func compress(_ image: FilePath) async throws {
    let plain = try FileDescriptor.open(image, .readOnly)
    let packed = image.string + ".packed"
    let output = try FileDescriptor.open(
      FilePath(packed), .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
    let result = try await Subprocess.run(
      .name(compressor[0]), arguments: Arguments(Array(compressor.dropFirst())),
      input: .fileDescriptor(plain, closeAfterSpawningProcess: true),
      output: .fileDescriptor(output, closeAfterSpawningProcess: true), error: .discarded)
    #expect(result.terminationStatus.isSuccess, "\(compressor): \(result.terminationStatus)")
    try FileManager.default.removeItem(atPath: image.string)
    try FileManager.default.moveItem(atPath: packed, toPath: image.string)
  }

  /// A session of its own, so that a terminal's Ctrl-C does not reach the guest's console.
  private var apart: PlatformOptions {
    var options = PlatformOptions()
    options.createSession = true
    return options
  }
}
