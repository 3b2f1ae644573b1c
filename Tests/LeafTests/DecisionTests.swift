// SPDX-License-Identifier: MIT

import Leaf
import Testing

/// Answers as it was told to, and writes down what it was asked.
private struct RecordingFacts: Facts {
  var isProcessOne = true
  var mount = Root.rootfs
  var word = true
  var whole = true
  var tmpfs = true
  var alone = true

  private(set) var asked: [String] = []

  mutating func isInit() -> Bool {
    asked.append("init")
    return isProcessOne
  }

  mutating func root() -> Root {
    asked.append("root")
    return mount
  }

  mutating func isWordGiven() -> Bool {
    asked.append("word")
    return word
  }

  mutating func isImageWhole() -> Bool {
    asked.append("image")
    return whole
  }

  mutating func isTmpfsThere() -> Bool {
    asked.append("tmpfs")
    return tmpfs
  }

  mutating func isAlone() -> Bool {
    asked.append("alone")
    return alone
  }
}

extension Decision {
  /// As text, to be compared.
  fileprivate var text: String {
    switch self {
    case .refuse: "refuse"
    case .alreadyLeaf: "already a leaf"
    case .notAsked: "not asked"
    case .cannot(let reason): "cannot: \(reason)"
    case .halfUnpacked: "half unpacked"
    case .make: "make"
    }
  }
}

@Suite struct `Deciding whether to make a leaf` {
  private func expect(
    _ facts: RecordingFacts, _ decision: String, asking questions: [String],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var facts = facts
    let text = decide(&facts).text
    #expect(text == decision, sourceLocation: sourceLocation)
    #expect(facts.asked == questions, sourceLocation: sourceLocation)
  }

  @Test func `makes it when every guard passes, each asked once and in this order`() {
    let questions = ["init", "root", "word", "image", "tmpfs", "alone"]
    expect(RecordingFacts(), "make", asking: questions)
  }

  @Test func `refuses where this is not PID 1, and asks nothing else`() {
    expect(RecordingFacts(isProcessOne: false), "refuse", asking: ["init"])
  }

  @Test func `refuses where this is not PID 1, whatever the rest says`() {
    let nothing = RecordingFacts(
      isProcessOne: false, mount: .unknown, word: false, whole: false, tmpfs: false)
    expect(nothing, "refuse", asking: ["init"])
  }

  @Test func `leaves a leaf alone, word or no word`() {
    expect(RecordingFacts(mount: .leaf), "already a leaf", asking: ["init", "root"])
    expect(RecordingFacts(mount: .leaf, word: false), "already a leaf", asking: ["init", "root"])
  }

  @Test func `does nothing without the word`() {
    expect(RecordingFacts(word: false), "not asked", asking: ["init", "root", "word"])
  }

  @Test func `does nothing without the word even where the root is unknown`() {
    let facts = RecordingFacts(mount: .unknown, word: false)
    expect(facts, "not asked", asking: ["init", "root", "word"])
  }

  @Test func `cannot where the root is unknown`() {
    let reason = "cannot: the mount of / cannot be read"
    expect(RecordingFacts(mount: .unknown), reason, asking: ["init", "root", "word"])
  }

  @Test func `stops where the image is half unpacked`() {
    let questions = ["init", "root", "word", "image"]
    expect(RecordingFacts(whole: false), "half unpacked", asking: questions)
    expect(RecordingFacts(whole: false, tmpfs: false), "half unpacked", asking: questions)
  }

  @Test func `boots a half-unpacked image as ever without the word`() {
    let facts = RecordingFacts(word: false, whole: false)
    expect(facts, "not asked", asking: ["init", "root", "word"])
  }

  @Test func `cannot without tmpfs`() {
    let questions = ["init", "root", "word", "image", "tmpfs"]
    expect(RecordingFacts(tmpfs: false), "cannot: this kernel has no tmpfs", asking: questions)
  }

  @Test func `cannot while another process runs in rootfs`() {
    let questions = ["init", "root", "word", "image", "tmpfs", "alone"]
    expect(
      RecordingFacts(alone: false), "cannot: another process runs in rootfs", asking: questions)
  }
}
