// SPDX-License-Identifier: MIT

import Leaf
import Testing

/// Answers as it was told to, and writes down what it was asked.
private struct RecordingFacts: Facts {
  var isProcessOne = true
  var word = true
  var packed = false
  var whole = true
  var partial = false
  var mount = Root.rootfs
  var apart = true
  var tmpfs = true
  var others = OtherProcesses.none

  private(set) var asked: [String] = []

  mutating func isInit() -> Bool {
    asked.append("init")
    return isProcessOne
  }

  mutating func isWordGiven() -> Bool {
    asked.append("word")
    return word
  }

  mutating func isPacked() -> Bool {
    asked.append("packed")
    return packed
  }

  mutating func isImageWhole() -> Bool {
    asked.append("image")
    return whole
  }

  mutating func isPartialAllowed() -> Bool {
    asked.append("partial")
    return partial
  }

  mutating func root() -> Root {
    asked.append("root")
    return mount
  }

  mutating func areMountsApart() -> Bool {
    asked.append("mounts")
    return apart
  }

  mutating func isTmpfsThere() -> Bool {
    asked.append("tmpfs")
    return tmpfs
  }

  mutating func otherProcesses() -> OtherProcesses {
    asked.append("company")
    return others
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
    case .mountInTheWay: "mount in the way"
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
    let questions = ["init", "packed", "word", "image", "root", "mounts", "tmpfs", "company"]
    expect(RecordingFacts(), "make", asking: questions)
  }

  @Test func `refuses where this is not PID 1, and asks nothing else`() {
    expect(RecordingFacts(isProcessOne: false), "refuse", asking: ["init"])
  }

  @Test func `refuses where this is not PID 1, whatever the rest says`() {
    let nothing = RecordingFacts(
      isProcessOne: false, word: false, whole: false, mount: .unknown, apart: false, tmpfs: false)
    expect(nothing, "refuse", asking: ["init"])
  }

  @Test(arguments: [Root.rootfs, .leaf, .unknown])
  func `does nothing without the word, whatever the root is`(root: Root) {
    let facts = RecordingFacts(word: false, mount: root)
    expect(facts, "not asked", asking: ["init", "packed", "word"])
  }

  @Test func `boots a half-unpacked image as ever without the word`() {
    expect(
      RecordingFacts(word: false, whole: false), "not asked", asking: ["init", "packed", "word"])
  }

  @Test(arguments: [Root.rootfs, .leaf, .unknown])
  func `stops where the image is half unpacked, on a leaf too`(root: Root) {
    let facts = RecordingFacts(whole: false, mount: root, apart: false, tmpfs: false)
    expect(facts, "half unpacked", asking: ["init", "packed", "word", "image", "partial"])
  }

  @Test func `goes on with a half-unpacked image where that is allowed`() {
    let start = ["init", "packed", "word", "image", "partial", "root"]
    let facts = RecordingFacts(whole: false, partial: true)
    expect(facts, "make", asking: start + ["mounts", "tmpfs", "company"])
    let leaf = RecordingFacts(whole: false, partial: true, mount: .leaf)
    expect(leaf, "already a leaf", asking: start)
  }

  @Test func `makes it for a packed tree without the word`() {
    let questions = ["init", "packed", "image", "root", "mounts", "tmpfs", "company"]
    expect(RecordingFacts(word: false, packed: true), "make", asking: questions)
  }

  @Test func `makes it for a packed tree on top of a leaf`() {
    let questions = ["init", "packed", "image", "root", "mounts", "tmpfs", "company"]
    expect(RecordingFacts(packed: true, mount: .leaf), "make", asking: questions)
  }

  @Test(arguments: [OtherProcesses.others, .unknown])
  func `makes it for a packed tree, which no other process has seen`(others: OtherProcesses) {
    let questions = ["init", "packed", "image", "root", "mounts", "tmpfs", "company"]
    expect(RecordingFacts(packed: true, others: others), "make", asking: questions)
  }

  @Test func `stops where a packed image is half unpacked, without the word too`() {
    expect(
      RecordingFacts(word: false, packed: true, whole: false), "half unpacked",
      asking: ["init", "packed", "image", "partial"])
  }

  @Test func `leaves a leaf alone`() {
    let facts = RecordingFacts(mount: .leaf, apart: false)
    expect(facts, "already a leaf", asking: ["init", "packed", "word", "image", "root"])
  }

  @Test func `cannot where the root is unknown`() {
    let reason = "cannot: the mount of / cannot be read"
    expect(
      RecordingFacts(mount: .unknown), reason, asking: ["init", "packed", "word", "image", "root"])
  }

  @Test func `cannot where a mount rests on the tree`() {
    let questions = ["init", "packed", "word", "image", "root", "mounts"]
    expect(RecordingFacts(apart: false), "mount in the way", asking: questions)
  }

  @Test func `cannot without tmpfs`() {
    let questions = ["init", "packed", "word", "image", "root", "mounts", "tmpfs"]
    expect(RecordingFacts(tmpfs: false), "cannot: this kernel has no tmpfs", asking: questions)
  }

  @Test func `cannot while another process runs in rootfs`() {
    let questions = ["init", "packed", "word", "image", "root", "mounts", "tmpfs", "company"]
    expect(
      RecordingFacts(others: .others), "cannot: another process runs in rootfs", asking: questions)
  }

  @Test func `cannot where the processes are not to be listed`() {
    let questions = ["init", "packed", "word", "image", "root", "mounts", "tmpfs", "company"]
    expect(
      RecordingFacts(others: .unknown), "cannot: the processes cannot be listed", asking: questions)
  }
}
