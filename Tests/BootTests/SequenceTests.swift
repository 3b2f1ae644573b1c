// SPDX-License-Identifier: MIT

import Encoding
import Fidelity
import Files
import Foundation
import Importing
import Inspection
import OddImages
import Packing
import SystemPackage
import TestSupport
import Testing

/// Several images in one boot, of which some are packed or nested: the tree in the leaf is what the
/// stock kernel makes of the raw ones, whatever type each has at one path.
@Suite struct SequenceTests {
  @Test(arguments: Forms.all, ImageSequences.allCases)
  func `of what several images have at one path, that is in the leaf which stock leaves there`(
    forms: Forms, images: ImageSequences
  ) async throws {
    let stock = try await StockTrees.shared.tree(images, forms.list.count)
    let leaf = try await SequenceBoot(images, forms).run()

    #expect(leaf.verdict.outcome == .asPromised, "\(leaf)")
    let (ours, theirs) = (leaf.census, stock)
    #expect(theirs.entries.count > 20)
    // LeafRoot's own file is in the tree of the stock kernel, which starts nothing.
    let differences = forms.comparable(ours, images).differences(
      from: forms.comparable(theirs.excluding(["./leafroot"]), images))
    #expect(
      differences.isEmpty,
      "\(differences.count)\n\(differences.prefix(40).joined(separator: "\n"))")
  }

  @Test func `twin: a path that an image more has is seen`() async throws {
    let two = try await StockTrees.shared.tree(.small, 2)
    let three = try await StockTrees.shared.tree(.small, 3)
    #expect(two.entries["./all/file-link"]?.type == .symbolicLink)
    #expect(three.entries["./all/file-link-fifo"]?.type == .fifo)
    #expect(two.differences(from: three).count > 500)
  }
}

/// How each image of a boot is given to the kernel.
struct Forms: CustomTestStringConvertible {
  enum Form: String, CaseIterable { case raw, packed, nested }

  let list: [Form]

  var testDescription: String { list.map(\.rawValue).joined(separator: " ") }

  /// Of two images, and of three.
  static let all: [Forms] = {
    let pairs = Form.allCases.flatMap { one in Form.allCases.map { [one, $0] } }
    return (pairs + pairs.flatMap { pair in Form.allCases.map { pair + [$0] } }).map(Forms.init)
  }()

  /// The same without what leafroot(7), LIMITS, says of nested images: the time of a directory
  /// that an earlier image has, too; and a file of a later image that lies in a directory which it
  /// does not bring.
  fileprivate func comparable(_ census: Census, _ images: ImageSequences) -> Census {
    let nested = list.indices.filter { list[$0] == .nested }
    guard let first = nested.first else { return census }
    let combinations = images.sequence(of: list.count).combinations
    let lost = combinations.filter { combination in
      combination.kinds.indices.contains { $0 > first && combination.kinds[$0] == .below }
    }
    let untold = combinations.filter { combination in
      nested.contains { later in
        (0..<later).contains { combination.sharesDirectory($0, later) }
      }
    }
    let all = nested.contains { $0 > 0 } ? ["./all"] : []
    return census.excluding(lost.flatMap(\.pathsBelow)).withoutTimes(all + untold.map(\.path))
  }
}

/// What the images of a boot have.
enum ImageSequences: String, CaseIterable, CustomTestStringConvertible {
  case small
  /// The payloads are so large that PID 1 works on them for a while.
  case large
  /// They have files in directories that only others bring.
  case unrecorded

  var testDescription: String { rawValue }

  func sequence(of count: Int) -> OddImages.Sequence {
    switch self {
    case .small: Sequence(of: count, Sequence.Kind.recorded, size: 0)
    case .large: Sequence(of: count, Sequence.Kind.recorded, size: 32 << 20)
    case .unrecorded: Sequence(of: count, [.absent, .file, .link, .directory, .below], size: 0)
    }
  }
}

/// One boot of such images, in a kernel that does not make the leaf itself.
private struct SequenceBoot {
  let images: ImageSequences
  let forms: [Forms.Form]
  /// Whether PID 1 makes a leaf.
  var isStock = false

  init(_ images: ImageSequences, _ forms: Forms) {
    (self.images, self.forms) = (images, forms.list)
  }

  init(stock images: ImageSequences, _ count: Int) {
    (self.images, forms, isStock) = (images, Array(repeating: .raw, count: count), true)
  }

  func run() async throws -> Outcome {
    let directory = try TemporaryDirectory()
    // The kernel's own leaf fails, and PID 1 comes to a rootfs.
    var boot = KernelCall.all[0].boot
    boot.tree = GuestTree.bare
    boot.tree.file(".census", try bytes(of: Place.census), mode: 0o755)
    try boot.tree.addProgram("leafroot")
    boot.command = ["/.census", "/"]
    boot.memory = 768
    if isStock {
      boot.words = ["rootfstype=tmpfs"]
    } else {
      boot.words += ["rdinit=/leafroot", "leafroot_init=/.leafroot-boot/init"]
    }
    let sequence = images.sequence(of: forms.count)
    for (place, form) in forms.enumerated() {
      let raw = try directory.file("raw-\(place)", sequence.image(place))
      boot.images.append(try image(raw, form, in: directory))
    }
    return try await boot.run()
  }

  private func image(
    _ raw: FilePath, _ form: Forms.Form, in directory: TemporaryDirectory
  ) throws -> FilePath {
    let output = FilePath(raw.string + ".\(form)")
    let program = try GuestInit(Place.library.appending("leafroot-unpack.x86_64"), for: .x86)
    switch form {
    case .raw: return raw
    case .packed:
      let packer = Packer(.zstd(level: 1), jobs: 1, memberSize: 1 << 20)
      _ = try packer.write(ImageTree(raw), program, into: output)
    case .nested:
      let totals = try Inspection(InputFile(raw)).totals
      _ = try Nester().write(raw, totals, program, into: output)
    }
    return output
  }
}

/// The trees of the stock kernel: a boot of each.
private actor StockTrees {
  static let shared = StockTrees()

  private var boots: [String: Task<Census, any Error>] = [:]

  func tree(_ images: ImageSequences, _ count: Int) async throws -> Census {
    let name = "\(count) \(images)"
    let boot =
      boots[name]
      ?? Task {
        let outcome = try await SequenceBoot(stock: images, count).run()
        #expect(outcome.check?.isLeaf == false, "\(outcome)")
        return outcome.census
      }
    boots[name] = boot
    return try await boot.value
  }
}
