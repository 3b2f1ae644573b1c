// SPDX-License-Identifier: MIT

import Leaf
import Testing

/// A step of the plan: the call it makes, and the call that takes it back.
struct PlannedStep: Sendable, CustomTestStringConvertible {
  let step: Step
  let name: String
  let call: String
  let undo: String?

  var testDescription: String { name }

  /// What `makeLeaf` has to do, in its order. Written down here once more on purpose.
  static let plan = [
    PlannedStep(step: .mount, name: "mount", call: "mount(tmpfs, /..)", undo: "umount(/..)"),
    PlannedStep(step: .fill, name: "fill", call: "fill(/..)", undo: "restore()"),
    PlannedStep(step: .chdir, name: "chdir", call: "chdir(/..)", undo: "chdir(/)"),
    PlannedStep(step: .seal, name: "seal", call: "seal()", undo: "unseal()"),
    PlannedStep(step: .chroot, name: "chroot", call: "chroot(.)", undo: nil),
  ]
}

@Suite struct `Making a leaf` {
  @Test func `takes five steps in this order and undoes none`() throws {
    var calls = RecordingSyscalls()

    try makeLeaf(&calls)

    #expect(calls.calls == PlannedStep.plan.map(\.call))
  }

  @Test(arguments: 0..<PlannedStep.plan.count)
  func `undoes the steps before the one that fails, the last first`(failing: Int) {
    var calls = RecordingSyscalls(results: [failing: -12])

    _ = #expect(throws: Failure.self) { try makeLeaf(&calls) }

    let taken = PlannedStep.plan[...failing].map(\.call)
    let undone = PlannedStep.plan[..<failing].reversed().compactMap(\.undo)
    #expect(calls.calls == taken + undone)
  }

  @Test(arguments: 0..<PlannedStep.plan.count)
  func `throws the step that failed and its positive errno`(failing: Int) throws {
    var calls = RecordingSyscalls(results: [failing: -Int32(100 + failing)])

    let failure = try #require(throws: Failure.self) { try makeLeaf(&calls) }

    #expect(failure.step == PlannedStep.plan[failing].step)
    #expect(failure.code == Int32(100 + failing))
  }

  @Test(arguments: 1..<PlannedStep.plan.count)
  func `goes on undoing where an undoing call fails, and throws the first failure`(
    failing: Int
  ) throws {
    var untroubled = RecordingSyscalls(results: [failing: -12])
    _ = #expect(throws: Failure.self) { try makeLeaf(&untroubled) }

    var results = [failing: Int32(-12)]
    for later in (failing + 1)...(2 * PlannedStep.plan.count) { results[later] = -5 }
    var troubled = RecordingSyscalls(results: results)
    let failure = try #require(throws: Failure.self) { try makeLeaf(&troubled) }

    #expect(troubled.calls == untroubled.calls)
    #expect(failure.code == 12)
  }

  @Test func `changes the root only after the tree is in the leaf`() throws {
    var calls = RecordingSyscalls()
    try makeLeaf(&calls)

    let fill = try #require(calls.calls.firstIndex(of: "fill(/..)"))
    let chroot = try #require(calls.calls.firstIndex(of: "chroot(.)"))
    #expect(fill < chroot)
  }

  @Test(arguments: PlannedStep.plan)
  func `names each step as the log prints it`(planned: PlannedStep) {
    #expect("\(planned.step.name)" == planned.name)
  }

  @Test func `has no step that this plan does not name`() {
    let all = (UInt8.min...UInt8.max).compactMap { Step(rawValue: $0) }
    #expect(all == PlannedStep.plan.map(\.step))
  }
}
