// SPDX-License-Identifier: MIT

import CLinux
import FoundationEssentials
import Testing
import Threads
import Tree

/// Not among `TreeTests`: these run beside all others.
@Suite struct `Faults of a run` {
  /// A directory of ten files.
  private struct Files {
    let path: String
    let directory: Int32

    static func with<Result>(_ body: (Files) throws -> Result) throws -> Result {
      let path = "/tmp/leafroot-test.\(UUID().uuidString)"
      try check("mkdir", mkdir(path, 0o700))
      defer { try? FileManager.default.removeItem(atPath: path) }
      let files = Files(path: path, directory: try openDescriptor(path))
      defer { close(files.directory) }
      return try body(files)
    }

    /// Plants the files, removes them; gives what did not succeed.
    func empty() throws -> Failure? {
      for number in 0..<10 {
        // What did not go the last time.
        unlinkat(directory, "\(number)", 0)
        try Planting(directory: directory).file(Array("\(number)".utf8CString))
      }
      do throws(Failure) {
        try Tree.empty(directory)
        return nil
      } catch { return error }
    }
  }

  /// Numbers of calls that `empty` makes, and that fail on their own.
  private static let calls = 0..<10

  /// What fails when each of these calls does, one after another.
  private func steps() throws -> [String] {
    try Files.with { files in
      try Faults.run {
        try Self.calls.map { calls in
          Faults.fail(after: calls, with: EIO)
          let failure = try files.empty()
          try #require(!Faults.disarm(), "call \(calls) of a run is another run's")
          return "\(try #require(failure).step)"
        }
      }
    }
  }

  @Test func `do not reach a run beside it`() async throws {
    let alone = try steps()
    try #require(Set(alone).count > 1)

    let together = try await withThrowingTaskGroup(of: [[String]].self) { group in
      for _ in 0..<4 { group.addTask { try (0..<20).map { _ in try steps() } } }
      return try await group.reduce(into: []) { $0 += $1 }
    }

    #expect(together.count == 80)
    #expect(together.allSatisfy { $0 == alone })
  }

  @Test func `reach the threads that it starts, and those of no other run`() throws {
    try Files.with { files in
      func emptyOnThread() throws -> Failure? {
        var result: Result<Failure?, any Error> = .success(nil)
        let thread = Thread { result = Result { try files.empty() } }
        try #require(thread).join()
        return try result.get()
      }

      try Faults.run {
        Faults.fail(after: 5, with: EIO)
        try #require(try Faults.run { try emptyOnThread() } == nil)
        #expect(Faults.disarm())

        Faults.fail(after: 5, with: EIO)
        let failure = try emptyOnThread()
        #expect(failure?.code == EIO)
        #expect(!Faults.disarm())
      }
    }
  }
}
