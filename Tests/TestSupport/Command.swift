// SPDX-License-Identifier: MIT

public import Foundation
public import SystemPackage

/// A program to run as a user would.
public struct Command: Sendable {
  /// The program, looked up on PATH if it has no slash, and its arguments.
  public var words: [String]
  public var input: [UInt8]
  /// The working directory; nil for the current one.
  public var directory: FilePath?
  /// The environment; by default that of the tests.
  public var environment = ProcessInfo.processInfo.environment

  public init(_ words: [String], input: [UInt8] = [], in directory: FilePath? = nil) {
    self.words = words
    self.input = input
    self.directory = directory
  }

  /// The path of the tool built beside the tests.
  public static let leafroot = beside("leafroot")

  /// The path of Tests/Census, which takes the census of a tree, built for this machine.
  public static let census = beside("census")

  private static func beside(_ name: String) -> String {
    URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent().appending(path: name).path
  }

  /// The results of a program that has ended.
  public struct Ended: Sendable {
    public let status: Int32
    public let bytes: [UInt8]
    public let errors: String

    public var output: String { String(decoding: bytes, as: UTF8.self) }
  }

  /// A program ended with a nonzero status.
  public struct Failed: Error {
    public let words: [String]
    public let status: Int32
    public let errors: String
  }

  /// A program that may still run.
  public struct Running {
    public let process: Process
    fileprivate let files: TemporaryDirectory

    /// Waits for its end.
    public func end() throws -> Ended {
      process.waitUntilExit()
      return Ended(
        status: process.terminationStatus, bytes: try files.bytes("output"),
        errors: String(decoding: try files.bytes("errors"), as: UTF8.self))
    }
  }

  /// Runs it until it ends, on a thread that no test uses.
  public func ended() async throws -> Ended {
    try await onOtherThread { try run() }
  }

  /// Starts it. Its input, output and errors are files, so no pipes need to be served.
  /// - Parameter terminal: A terminal for all three instead; nil for none.
  public func start(on terminal: Pseudoterminal? = nil) throws -> Running {
    let files = try TemporaryDirectory()
    func file(_ name: String, _ bytes: [UInt8] = []) throws -> URL {
      URL(filePath: try files.file(name, bytes).string)
    }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = words
    process.environment = environment
    if let directory { process.currentDirectoryURL = URL(filePath: directory.string) }

    let input = try file("input", input)
    // lzop writes its input's time into its header.
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: input.path)
    let (output, errors) = (try file("output"), try file("errors"))
    process.standardInput = try terminal?.file ?? FileHandle(forReadingFrom: input)
    process.standardOutput = try terminal?.file ?? FileHandle(forWritingTo: output)
    process.standardError = try terminal?.file ?? FileHandle(forWritingTo: errors)
    try process.run()
    return Running(process: process, files: files)
  }

  /// Runs it until it ends.
  public func run() throws -> Ended { try start().end() }

  /// Returns its output; it must exit with status 0.
  public func output() throws -> [UInt8] {
    let ended = try run()
    guard ended.status == 0 else {
      throw Failed(words: words, status: ended.status, errors: ended.errors)
    }
    return ended.bytes
  }
}

/// Calls a function that waits for other processes. There are only as many test threads as
/// processors: one that waits would keep other tests from their machines.
public func onOtherThread<Result: Sendable>(
  _ body: @escaping @Sendable () throws -> Result
) async throws -> Result {
  try await withCheckedThrowingContinuation { continuation in
    DispatchQueue.global().async { continuation.resume(with: Swift.Result(catching: body)) }
  }
}
