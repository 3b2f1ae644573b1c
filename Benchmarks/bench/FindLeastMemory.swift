// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import Images
import Initramfs
import Machines
import Packing
import SystemPackage

/// `bench least-memory`: what `leafroot inspect` predicts, measured.
struct FindLeastMemory: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "least-memory",
    abstract: "Find the least memory in MiB with which an image boots whole in QEMU.",
    discussion: """
      A wrapped IMAGE boots with the words that ask for the leaf, any other as it is.
      """)

  @Argument(help: "The kernel image.", transform: { FilePath($0) })
  var kernel: FilePath

  @Argument(help: "The image.", transform: { FilePath($0) })
  var image: FilePath

  @Option(help: ArgumentHelp("Append words to the kernel command line.", valueName: "words"))
  var append: String?

  @Option(help: ArgumentHelp("Try multiples of so many MiB.", valueName: "mebibytes"))
  var step = 4

  func validate() throws {
    guard step >= 1 else { throw ValidationError("--step is \(step), expected 1 or more.") }
  }

  func run() async throws {
    try await reporting {
      let directory = try RunDirectory.temporary()
      defer { directory.remove() }
      var machine = try machine(in: directory)
      machine.timeout = .seconds(600)

      let search = LeastMemory(step: step)
      let least = try await search.find(
        for: machine, log: directory.log,
        onBoot: { mebibytes, verdict in
          let result = verdict.reachedCheckWhole ? "boots" : "does not boot"
          say("\(image): \(mebibytes) MiB: \(result)")
        })
      guard let least else {
        throw FileError(image, "does not boot with \(search.bounds.upperBound) MiB")
      }
      print(least)
    }
  }

  private func machine(in directory: RunDirectory) throws -> Machine {
    let kernel = try Kernel(kernel)
    let program = try GuestInit(
      builtInit(for: kernel.architecture), for: kernel.architecture)
    var boot = CheckedBoot([try Image(path: image)], program: program)
    boot.append = append.map { [$0] } ?? []
    return try boot.machine(kernel: kernel, in: directory)
  }
}
