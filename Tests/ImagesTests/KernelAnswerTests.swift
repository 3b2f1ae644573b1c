// SPDX-License-Identifier: MIT

import Fidelity
import Glibc
import Initramfs
import Newc
import OddImages
import Testing

@testable import Images

/// What is recorded of a stock kernel, and the tree in memory that `inspect` tells of.
@Suite struct KernelAnswerTests {
  @Test func `inspect has the tree that the kernel made of each odd image, and its message`() throws
  {
    let images = Dictionary(uniqueKeysWithValues: try Corpus.images().map { ($0.name, $0) })
    var count = 0
    for theirs in try KernelAnswer.recorded() {
      let batch = try #require(theirs.batch(of: images), "no such image: record anew")
      let inspector = try Inspector(
        Bytes(batch.image([])), kernel: KernelVersion(6, 12, 117))
      let summary = inspector.summary
      // The kernel has no program for a census there.
      if theirs.entries == nil { #expect(summary.refusal != nil, "\(theirs.name)") }
      let ours = KernelAnswer(
        batch, refusal: summary.refusal?.kernelMessage, Census(inspector.tree.lines))

      #expect(ours.refusal == theirs.refusal, "\(theirs.name)")
      let isOpen = summary.refusal != nil || summary.isCutShort
      let differences = ours.withoutContents(andTimes: isOpen)
        .differences(from: theirs.withoutContents(andTimes: isOpen))
      #expect(
        differences.isEmpty,
        "\(theirs.name): \(differences.count)\n\(differences.prefix(10).joined(separator: "\n"))")
      count += batch.whole.count + 1
    }
    #expect(count > 700)
  }

  @Test func `every odd image on which we agree with the kernel is recorded`() throws {
    let recorded = Set(
      try KernelAnswer.recorded().flatMap { $0.whole + [$0.last].compactMap { $0 } })
    let images = try Corpus.images().filter(KernelAnswer.isRecorded)
    #expect(recorded == Set(images.map(\.name)), "LEAFROOT_RECORD=1 make proof FILTER=OracleProof")
  }

  @Test func `twin: a tree that is another one is seen`() throws {
    func answer(_ mode: UInt32, _ time: UInt32) throws -> KernelAnswer {
      let image = OddImage("twin") { [.file("\($0)/x", "one", mode).with { $0.time = time }] }
      let tree = try Inspector(Bytes(image.bytes), kernel: nil).tree
      return KernelAnswer(Batch(last: image), refusal: nil, Census(tree.lines))
    }
    #expect(try answer(0o644, 7).differences(from: answer(0o644, 7)) == [])
    #expect(try answer(0o644, 7).differences(from: answer(0o600, 7)).count == 1)
    #expect(try answer(0o644, 7).differences(from: answer(0o644, 8)).count == 1)
  }
}

extension MemoryTree {
  /// The tree as Tests/Census prints it, but for the contents of files.
  fileprivate var lines: [String] {
    paths().flatMap { number, names in
      names.map { name in
        let node = nodes[number]
        let isDirectory = node.type == .directory
        let isDevice = node.type == .characterDevice || node.type == .blockDevice
        let size = node.type == .symbolicLink ? UInt64(node.target.count) : node.size
        let path = name.isEmpty ? "." : "./" + escaped(name)
        let device = isDevice ? "\(node.device.major):\(node.device.minor)" : "0:0"
        // What nothing has dated was made now.
        let time = node.modificationTime.map { "\($0)" } ?? "\(Self.now)"
        return [
          path, String(node.mode, radix: 8), "\(node.userID):\(node.groupID)",
          isDirectory ? "0" : "\(names.count)", device, isDirectory ? "0" : "\(size)", time,
          "\(number)", escaped(node.target),
        ].joined(separator: " ")
      }
    }
  }

  private static let now = Int(time(nil))

  private func escaped(_ bytes: [UInt8]) -> String {
    bytes.map { byte in
      if byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "%") {
        return String(UnicodeScalar(byte))
      }
      return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
  }
}
