// SPDX-License-Identifier: MIT

import BootFacts
import CLinux
import Files
import Glibc
import Images
import Initramfs
import OddImages
import SystemPackage
import TestSupport
import Testing
import Tree
import Unpacking

#if DEBUG
  /// A disk or a memory that fails, at each system call.
  @Suite(.enabled(if: Privilege.mayRun, "sets trusted xattrs: needs root"))
  struct FailingDiskTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory(below: "/dev/shm") }

    private var tree: FilePath { directory.path.appending("tree") }

    private static let image = archive([
      .directory("."), .directory("d", 0o711), .file("d/f", "content"), .link("l", to: "d"),
      .node("p", 0o010600, (0, 0)),
    ])
    private static let sidecar = Array("set trusted.a=0x00ff\nrun 5 1\n".utf8)
    private static let names = [".", "d", "d/f", "l", "p"]

    /// How many of the files have the xattr.
    private func described() -> Int {
      Self.names.count { name in
        var value = [UInt8](repeating: 0, count: 8)
        let path = tree.appending(name).string
        return lgetxattr(path, "trusted.a", &value, value.count) == 2
      }
    }

    /// - Returns: whether there was such a call.
    private func fail(after call: Int, _ code: Int32, _ body: () throws -> Void) rethrows -> Bool {
      try Faults.run {
        Faults.fail(after: call, with: code)
        try body()
        return !Faults.disarm()
      }
    }

    @Test(arguments: [EIO, EROFS, ENOMEM])
    func `unpack ends with an error, whatever call fails, and leaves nothing`(code: Int32) throws {
      var errors: [String] = []
      for call in 0..<1000 {
        let hasFailed = try fail(after: call, code) {
          do {
            let source = Bytes(Self.image, sidecar: Self.sidecar)
            let summary = try OutputDirectory(tree).fill(from: source)
            // A call that only spares another one.
            #expect(summary.missingXattrs.count == 0)
            #expect(described() == 5, "\(call)")
            try directory.removeTree("tree")
          } catch let error as FileError {
            errors.append(error.description)
            #expect(try directory.names == [], "\(error)")
          }
        }
        guard hasFailed else { break }
      }
      let reason = Errno(rawValue: code).reason
      for name in Self.names {
        let path = tree.appending(name)
        #expect(
          errors.contains("cannot set extended attributes of \(path): \(reason)"), "\(errors)")
      }
      #expect(errors.count > 30)
    }

    @Test func `PID 1 counts the xattrs that it cannot set, and unpacks the rest`() throws {
      let payload = directory.path.appending("payload")
      var losses = 0
      for call in 0..<1000 {
        for path in [payload, tree] { try #require(mkdir(path.string, 0o755) == 0) }
        try directory.file("payload/0000", Self.image)
        try directory.file("payload/0000.extra", Self.sidecar)
        let directories = [payload, tree].map { open($0.string, O_RDONLY | O_DIRECTORY) }
        let hasFailed = fail(after: call, EIO) {
          do throws(PayloadFailure) {
            guard let payload = try? Payload(in: directories[0]) else { return }
            try payload.unpack(into: directories[1], Payload.Plan())
            #expect(payload.missingXattrs == 5 - described())
            losses += payload.missingXattrs
          } catch {
            // Something else is missing.
          }
        }
        for directory in directories { close(directory) }
        for name in ["payload", "tree"] { try directory.removeTree(name) }
        guard hasFailed else { break }
      }
      // More than one call is made for each.
      #expect(losses > 5)
    }
  }
#endif
