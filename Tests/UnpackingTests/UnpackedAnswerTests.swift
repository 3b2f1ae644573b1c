// SPDX-License-Identifier: MIT

import Fidelity
import Files
import Glibc
import Images
import Initramfs
import OddImages
import SystemPackage
import TestSupport
import Testing
import Unpacking

/// What is recorded of a stock kernel, and the directory that `unpack` fills. Only root makes
/// devices, and gives files away.
@Suite(.enabled(if: Privilege.mayRun, "needs root"))
struct UnpackedAnswerTests {
  @Test func `unpack makes the tree that the kernel made of each odd image`() throws {
    let images = Dictionary(uniqueKeysWithValues: try Corpus.images().map { ($0.name, $0) })
    var count = 0
    for theirs in try KernelAnswer.recorded() {
      let batch = try #require(theirs.batch(of: images), "no such image: record anew")
      let ours = try unpack(batch)

      #expect(ours.refusal == theirs.refusal, "\(theirs.name)")
      let differences = ours.differences(from: theirs)
      #expect(
        differences.isEmpty,
        "\(theirs.name): \(differences.count)\n\(differences.prefix(10).joined(separator: "\n"))")
      count += batch.whole.count + 1
    }
    #expect(count > 700)
  }

  @Test func `twin: a content that is another one is seen`() throws {
    func answer(_ content: String) throws -> KernelAnswer {
      try unpack(Batch(whole: [OddImage("twin") { [.file("\($0)/x", content)] }]))
    }
    #expect(try answer("one").differences(from: answer("one")) == [])
    #expect(try answer("one").differences(from: answer("two")).count == 1)
  }

  private func unpack(_ batch: Batch) throws -> KernelAnswer {
    let directory = try TemporaryDirectory(below: "/dev/shm")
    // As the kernel's own root, which is a tmpfs.
    chmod(directory.path.string, 0o1777)
    var unpacker = DirectoryUnpacker()
    unpacker.rules = KernelRules(KernelVersion(6, 12, 117))
    // What must be first would not be behind the kernel's own.
    let isFirst = batch.last?.isFirst ?? false
    let image = (isFirst ? [] : Batch.builtIn) + batch.image([])
    let summary = try OutputDirectory(directory.path).fill(from: Bytes(image), by: unpacker)

    let output = try Command([Command.census, directory.path.string]).output()
    let lines = String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
    return KernelAnswer(batch, refusal: summary.image.refusal?.kernelMessage, Census(lines))
  }
}
