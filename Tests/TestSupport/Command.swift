// SPDX-License-Identifier: MIT

public import Foundation
public import SystemPackage

/// A program to run, as people run it.
public struct Command: Sendable {
  /// The program, looked up on PATH if it has no slash, and its arguments.
  public var words: [String]
  public var input: [UInt8]
  /// Where it is run; nil is here.
  public var directory: FilePath?
  /// Our own, if not changed.
  public var environment = ProcessInfo.processInfo.environment

  public init(_ words: [String], input: [UInt8] = [], in directory: FilePath? = nil) {
    self.words = words
    self.input = input
    self.directory = directory
  }

  /// The tool that was built beside the tests.
  public static let leafroot = beside("leafroot")

  /// What takes the census of a tree, built for this machine: Tests/Census.
  public static let census = beside("census")

  private static func beside(_ name: String) -> String {
    URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent().appending(path: name).path
  }

  /// What a program that has ended left.
  public struct Ended: Sendable {
    public let status: Int32
    public let bytes: [UInt8]
    public let errors: String

    public var output: String { String(decoding: bytes, as: UTF8.self) }
  }

  /// It ended with a status other than 0.
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

  /// Runs it to its end, on another thread than the tests.
  public func ended() async throws -> Ended {
    try await onOtherThread { try run() }
  }

  /// Starts it. Its input, output and errors are files: nobody has to serve two pipes at once.
  /// - Parameter terminal: what all three are instead; nil for none.
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
    // lzop writes the time of its input into its header.
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: input.path)
    let (output, errors) = (try file("output"), try file("errors"))
    process.standardInput = try terminal?.file ?? FileHandle(forReadingFrom: input)
    process.standardOutput = try terminal?.file ?? FileHandle(forWritingTo: output)
    process.standardError = try terminal?.file ?? FileHandle(forWritingTo: errors)
    try process.run()
    return Running(process: process, files: files)
  }

  /// Runs it to its end.
  public func run() throws -> Ended { try start().end() }

  /// What it writes; it must end with 0.
  public func output() throws -> [UInt8] {
    let ended = try run()
    guard ended.status == 0 else {
      throw Failed(words: words, status: ended.status, errors: ended.errors)
    }
    return ended.bytes
  }
}

/// Calls what waits for other processes. The threads of the tests are as few as the processors: one
/// that waits would keep the others from their machines.
public func onOtherThread<Result: Sendable>(
  _ body: @escaping @Sendable () throws -> Result
) async throws -> Result {
  try await withCheckedThrowingContinuation { continuation in
    DispatchQueue.global().async { continuation.resume(with: Swift.Result(catching: body)) }
  }
}
