// SPDX-License-Identifier: MIT

import Files
import Foundation
import Images
import Machines
import Newc
import Packing
import SystemPackage
import Testing

/// An image whose least memory is predicted, and booted with a little more and a little less.
struct MemoryCase: CustomTestStringConvertible, Sendable {
  /// How many files.
  var files: Int
  /// Bytes in each of them.
  var bytes: Int
  /// Of rootfs: the kernel's default, or `initramfs_options`.
  var option: String?
  /// Booted wrapped.
  var isWrapped = false

  var testDescription: String {
    "\(files) files of \(bytes) bytes, \(option ?? "default limit")\(isWrapped ? ", wrapped" : "")"
  }

  /// Boots with 5 % more than is predicted, and not with 5 % less.
  func expectPrediction() async throws {
    let directory = try RunDirectory.temporary()
    defer { directory.remove() }
    let image = directory.path.appending("content.img")
    try Data(try content()).write(to: URL(filePath: image.string))

    let kernel = try Kernel(Place.cache.appending("kernels/6.12-x86_64/vmlinuz"))
    let program = try GuestInit(
      Place.library.appending("leafroot-init.\(kernel.architecture)"), for: kernel.architecture)
    var booted = image
    if isWrapped {
      booted = directory.path.appending("wrapped.img")
      try Image(path: image).wrap(with: .leaf(program), into: booted)
    }
    let need = try Inspection(InputFile(image), of: image).memory
    let predicted = isWrapped ? need.wrapped : option == nil ? need.stock : need.large

    for (memory, isEnough) in [(predicted * 105 / 100, true), (predicted * 95 / 100, false)] {
      var boot = CheckedBoot([try Image(path: booted)], program: program)
      boot.append = option.map { ["initramfs_options=\($0)"] } ?? []
      var machine = try boot.machine(kernel: kernel, in: directory)
      machine.memory = memory
      machine.timeout = .seconds(300)
      let run = try await machine.run(log: directory.log)
      let verdict = Verdict(run)
      let isWhole = verdict.check != nil && !verdict.isHalfUnpacked
      #expect(
        isWhole == isEnough,
        "\(memory) MiB, predicted \(predicted): \(run.console.text.suffix(2000))")
    }
  }

  /// Bytes that do not compress, so that image and tree are as large.
  private func content() throws -> [UInt8] {
    var sink: [UInt8] = []
    var writer = Writer()
    var state: UInt64 = 88_172_645_463_325_252
    for index in 0..<files {
      var words: [UInt64] = []
      for _ in 0..<((bytes + 7) / 8) {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        words.append(state)
      }
      try writer.append(
        Entry(name: Array("\(index)".utf8), mode: 0o100644),
        data: words.withUnsafeBytes { Array($0.prefix(bytes)) }, to: &sink)
    }
    writer.appendTrailer(to: &sink)
    return sink
  }
}
