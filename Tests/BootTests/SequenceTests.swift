// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import OddImages
import Testing

@testable import BootHarness

/// Several images in one boot, of which some are packed or nested: the tree in the leaf is what the
/// stock kernel makes of the raw ones, whatever type each has at one path.
@Suite struct SequenceTests {
  /// Of each four sequences of forms one is in `make test`: together they have each two unlike forms
  /// behind each other, in both orders.
  @Test(arguments: Forms.all.sample(every: 4), ImageSequences.allCases)
  func `of what several images have at one path, that is in the leaf which stock leaves there`(
    forms: Forms, images: ImageSequences
  ) async throws {
    let stock = try await images.stockTree(forms.list.count)
    let leaf = try await SequenceBoot(images.images(forms.list.count), forms.list).run()

    #expect(leaf.verdict.outcome == .asPromised, "\(leaf)")
    let (ours, theirs) = (leaf.census, stock)
    #expect(theirs.entries.count > 20)
    // LeafRoot's own file is in the tree of the stock kernel, which starts nothing.
    let differences = forms.comparable(ours, images).differences(
      from: forms.comparable(theirs.excluding(["./leafroot"]), images)
    ).filter { line in !forms.untoldDirectories.contains { line.hasPrefix($0) } }
    #expect(
      differences.isEmpty,
      "\(differences.count)\n\(differences.prefix(40).joined(separator: "\n"))")
  }

  @Test func `twin: a path that an image more has is seen`() async throws {
    let two = try await ImageSequences.small.stockTree(2)
    let three = try await ImageSequences.small.stockTree(3)
    #expect(two.entries["./all/file-link"]?.type == .symbolicLink)
    #expect(three.entries["./all/file-link-fifo"]?.type == .fifo)
    #expect(two.differences(from: three).count > 500)
  }
}

/// How each image of a boot is given to the kernel.
struct Forms: CustomTestStringConvertible {
  typealias Form = SequenceBoot.Form

  let list: [Form]

  var testDescription: String { list.map(\.rawValue).joined(separator: " ") }

  /// Of two images, and of three.
  static let all: [Forms] = {
    let pairs = Form.allCases.flatMap { one in Form.allCases.map { [one, $0] } }
    return (pairs + pairs.flatMap { pair in Form.allCases.map { pair + [$0] } }).map(Forms.init)
  }()

  /// The same without what leafroot(7), LIMITS, says cannot be told apart.
  fileprivate func comparable(_ census: Census, _ images: ImageSequences) -> Census {
    let combinations = images.sequence(of: list.count).combinations
    let untold = combinations.filter {
      !isTold($0.kinds) || images == .small && mayOverwrite($0.kinds)
    }.flatMap(\.paths)
    return census.excluding(untold)
  }

  /// A raw image overwrites what another one has made, and a payload lies between them: within one
  /// tick of the clock, nobody can tell the one from the other.
  private func mayOverwrite(_ kinds: [OddImages.Sequence.Kind]) -> Bool {
    guard list.count == 3, list[0] == .raw, list[1] != .raw, list[2] == .raw else { return false }
    return kinds[0].isOfType(kinds[2]) && kinds[0] != .absent
  }

  /// PID 1 cannot see what an image behind a payload has replaced.
  private var hasRawBehindPayload: Bool {
    guard let payload = list.firstIndex(where: { $0 != .raw }) else { return false }
    return list[payload...].contains(.raw)
  }

  /// The directories that all images have: those of a nested one are not there for the next.
  fileprivate var untoldDirectories: [String] {
    (hasNested ? [".: "] : []) + (isNestedHidden ? ["./all: "] : [])
  }

  private var hasNested: Bool { list.contains(.nested) }

  /// The last image is raw, a payload is before it, and one image of the two before is nested: of a
  /// directory that was there before that payload nobody can tell whether its owner and mode are
  /// those of the image before or of the one behind.
  private var isNestedHidden: Bool {
    list.count == 3 && list[1] != .raw && list[2] == .raw && list[0] != list[1] && hasNested
  }

  private func isHidden(_ kinds: [OddImages.Sequence.Kind]) -> Bool {
    guard isNestedHidden, kinds[2] != .absent else { return false }
    return list[1] == .packed ? kinds[1] != .absent : !kinds.contains(.absent)
  }

  private func isTold(_ all: [OddImages.Sequence.Kind]) -> Bool {
    let kinds = Set(all).subtracting([.absent])
    let directories = kinds.intersection([.directory, .full])
    if directories.isEmpty, !hasRawBehindPayload {
      // The other name of a file that two images have written, whose first name the third replaces.
      return all.count < 3 || list[0] != .raw || all[2] != .link || all[1] == .absent
        || ![.hard, .second].contains(all[0])
    }
    // What an image has written to all names of a file, a later one may have replaced under the one
    // name by which it is known.
    if kinds.contains(.hard), all.count > 2, !all.contains(.absent) { return false }
    // The second name of a file that comes later, and links to a name that is not at the path.
    if kinds.contains(.second) || kinds.contains(.below) { return false }
    // A directory's time goes to what takes its place.
    if !directories.isEmpty { return directories == kinds && !isHidden(all) }
    // An earlier device that something else has replaced keeps a later one from being made.
    return !kinds.contains(.device) || kinds == [.device]
  }
}

/// What the images of a boot have.
enum ImageSequences: String, CaseIterable, CustomTestStringConvertible {
  case small
  /// The payloads are so large that PID 1 works on them for a while.
  case large
  var testDescription: String { rawValue }

  func sequence(of count: Int) -> OddImages.Sequence {
    switch self {
    case .small: Sequence(of: count, Sequence.Kind.recorded, size: 0)
    case .large: Sequence(of: count, Sequence.Kind.recorded, size: 32 << 20)
    }
  }

  /// The tree that the stock kernel makes of so many.
  fileprivate func stockTree(_ count: Int) async throws -> Census {
    try await Self.stockTrees.value("\(count) \(self)") {
      let outcome = try await SequenceBoot(stock: images(count)).run()
      #expect(outcome.check?.isLeaf == false, "\(outcome)")
      return outcome.census
    }
  }

  private static let stockTrees = Once<Census>()

  fileprivate func images(_ count: Int) -> [[UInt8]] { (0..<count).map(sequence(of: count).image) }
}
