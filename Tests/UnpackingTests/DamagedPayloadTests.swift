// SPDX-License-Identifier: MIT

import BootFacts
import Foundation
import OddImages
import SystemPackage
import TestSupport
import Testing
import Tree
import Unpacking

/// Members without checksums, in which anything can be wrong. The kernel would unpack them over the
/// directories and links that the image has outside of its payload.
@Suite(.enabled(if: Privilege.mayRun, "gives owners: needs root"))
struct DamagedPayloadTests {
  /// All that has no content; files in it.
  private static let members: [[OddRecord]] = [
    [
      .directory("d"), .directory("d/e"), .link("d/l", to: "e/1"), .node("d/p", 0o010644, (0, 0)),
    ],
    [.file("d/1", "one"), .file("d/e/1", "two"), .file("d/e/2").linked(9)],
  ]
  private static let linked: [OddRecord] = [.file("d/e/3", "linked").linked(9)]

  private static var archives: [[UInt8]] { [archive(members[0]), archive(members[1] + linked)] }

  @Test(arguments: [0x01, 0x10] as [UInt8])
  func `no damaged byte makes a file disappear in silence`(bits: UInt8) throws {
    var (complete, failed) = (0, 0)
    for number in Self.archives.indices {
      for offset in Self.archives[number].indices {
        var files = Self.archives
        files[number][offset] ^= bits
        let ours = try Unpacked(files) { $0.members = files.count }
        guard ours.failure == nil else {
          failed += 1
          continue
        }
        complete += 1
        // The kernel has the directories first.
        let kernel = try Unpacked(Self.archives.prefix(1) + files) { _ in }
        let place = "file \(number), byte \(offset)"
        #expect(kernel.failure == nil, "\(place)")
        #expect(ours.contents == kernel.contents, "\(place)")
      }
    }
    #expect(complete > 50 && failed > 50, "\(complete), \(failed)")
  }

  @Test(arguments: [
    OddRecord.file("d/1", "one"), .directory("d/1"), .link("d/1", to: "x"),
    .node("d/1", 0o010644, (0, 0)), .file("f/1"), .file("d/1").linked(9),
  ])
  func `an entry without its directory is named`(entry: OddRecord) throws {
    let first = archive([.file("f", "no directory")])
    let own = [first, archive([entry])]
    let name = String(decoding: entry.name.dropLast(), as: UTF8.self)
    let failure = try #require(try Unpacked(own) { $0.members = 2 }.failure)
    let words = String(decoding: Text(failure).bytes, as: UTF8.self)
    #expect(words.hasPrefix("/.leafroot/0001: \(name): "), "\(words)")

    // Images that do not come from pack, and what the user allows, lose it as the kernel does.
    #expect(try Unpacked(own) { _ in }.failure == nil)
    #expect(try Unpacked(own) { ($0.members, $0.endsAtRefusal) = (2, true) }.failure == nil)
    #expect(try Unpacked([first] + own) { $0.members = 1 }.failure == nil)
  }

  @Test func `a hard link without its first name is named`() throws {
    let linked = [OddRecord.file("x/2").linked(9), .file("d/3", "3").linked(9)]
    let files = [archive([.directory("d")]), archive(linked)]
    let failure = try #require(try Unpacked(files) { $0.members = 2 }.failure)
    #expect(String(decoding: Text(failure).bytes, as: UTF8.self).contains("x/2"))
  }
}

/// What a payload of these files becomes.
private struct Unpacked {
  let failure: PayloadFailure?
  /// The content of each regular file, by the numbers of its path's bytes.
  private(set) var contents: [String: [UInt8]] = [:]

  init(
    _ files: some Collection<[UInt8]>, _ change: (inout Payload.Plan) -> Void
  ) throws {
    let source = try TemporaryDirectory(below: "/dev/shm")
    let target = try TemporaryDirectory(below: "/dev/shm")
    for (number, file) in files.enumerated() { try source.file("000\(number)", file) }
    var plan = Payload.Plan()
    change(&plan)
    let one = try FileDescriptor.open(source.path, .readOnly, options: .directory)
    failure = try one.closeAfter {
      let other = try FileDescriptor.open(target.path, .readOnly, options: .directory)
      return try other.closeAfter {
        let payload = try #require(try Payload(in: one.rawValue))
        do throws(PayloadFailure) {
          try payload.unpack(into: other.rawValue, plan)
          return nil
        } catch { return error }
      }
    }
    let root = try FileDescriptor.open(target.path, .readOnly, options: .directory)
    try addFiles(of: root, "")
  }

  private mutating func addFiles(of directory: FileDescriptor, _ path: String) throws {
    try directory.closeAfter {
      for name in try entryNames(of: directory.rawValue) {
        // Damaged names need not be UTF-8.
        let path = path + "/" + name.dropLast().map { "\(UInt8(bitPattern: $0)) " }.joined()
        let status = try Status(of: name, in: directory.rawValue)
        guard status.isDirectory || status.isRegular else { continue }
        let entry = FileDescriptor(rawValue: openat(directory.rawValue, name, O_RDONLY))
        if status.isDirectory {
          try addFiles(of: entry, path)
        } else {
          var bytes = [UInt8](repeating: 0, count: status.size)
          let count = try entry.closeAfter {
            try bytes.withUnsafeMutableBytes { try entry.read(fromAbsoluteOffset: 0, into: $0) }
          }
          #expect(count == status.size)
          contents[path] = bytes
        }
      }
    }
  }
}
