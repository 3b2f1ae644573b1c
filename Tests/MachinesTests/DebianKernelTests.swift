// SPDX-License-Identifier: MIT

import Files
import Glibc
import Packing
import SystemPackage
import TestSupport
import Testing

@testable import Machines

@Suite struct DebianKernelTests {
  @Test(arguments: [
    ("debian:6.12", "6.12-\(Architecture.host)"),
    ("debian:6.12-generic", "6.12-generic-\(Architecture.host)"),
    ("debian:5.10-aarch64", "5.10-aarch64"), ("debian:6.1-generic-riscv64", "6.1-generic-riscv64"),
  ])
  func `a name is a series, perhaps with a flavour and an architecture`(
    text: String, name: String
  ) throws {
    #expect(try DebianKernel(text)?.name == name)
  }

  @Test func `--arch is the architecture of a name without one`() throws {
    #expect(try DebianKernel("debian:6.12", for: .riscv)?.name == "6.12-riscv64")
    #expect(try DebianKernel("debian:6.12-aarch64", for: .arm)?.name == "6.12-aarch64")
    let error = #expect(throws: FileError.self) {
      try DebianKernel("debian:6.12-aarch64", for: .x86)
    }
    #expect(
      error.map(String.init(describing:))
        == "debian:6.12-aarch64: is a kernel for aarch64, not for x86_64")
  }

  @Test(arguments: ["vmlinuz", "./debian:6.12", "/boot/vmlinuz-6.12", "Debian:6.12", ""])
  func `anything else is a file`(text: String) throws {
    #expect(try DebianKernel(text) == nil)
  }

  @Test(arguments: [
    "debian:", "debian:6", "debian:6.12.3", "debian:6.x", "debian:6.12-cloud", "debian:-generic",
    "debian:6.12-s390x", "debian:6.12-generic-generic", "debian:../6.12", "debian:6.12-",
    "debian:6.12 -x", "debian:.12", "debian:6.",
  ])
  func `a name that names no kernel is an error`(text: String) {
    let error = #expect(throws: FileError.self) { try DebianKernel(text) }
    #expect(error.map { "\($0)".hasPrefix("\(text): is not a kernel of Debian; name one") } == true)
  }

  @Test func `apt-get's progress is in percent, other lines are steps`() {
    #expect(
      DebianKernel.Progress("dlstatus:1:23.45:Retrieving file 1 of 2 (3min 2s: left)")
        == .percent(23.45))
    #expect(DebianKernel.Progress("fetch-kernels: downloading x") == .step("downloading x"))
    #expect(DebianKernel.Progress("W: no date") == .step("no date"))
    // The error of the fetch has these.
    #expect(DebianKernel.Progress("E: Failed to fetch x") == nil)
    #expect(DebianKernel.Progress("fetch-kernels: error: no network") == nil)
    #expect(DebianKernel.Progress("dlstatus:1:?:x") == nil)
    #expect(DebianKernel.Progress("") == nil)
  }

  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func fetch(_ script: String) async throws -> FilePath {
    try await DebianKernelTests.fetch(directory.file("script", Array(script.utf8)))
  }

  private static func fetch(_ script: FilePath) async throws -> FilePath {
    let kernel = try #require(try DebianKernel("debian:6.12-x86_64"))
    return try await kernel.fetch(with: script) { _ in }
  }

  @Test func `the script gets the name and prints the path`() async throws {
    #expect(try await fetch("echo /cache/$1/$2") == "/cache/--path/6.12-x86_64")
  }

  @Test(arguments: ["fetch-kernels: error: no network", "E: no network", "no network"])
  func `a script that fails gives its last line`(line: String) async {
    let error = await #expect(throws: FileError.self) {
      try await fetch("echo one >&2; echo '\(line)' >&2; exit 1")
    }
    #expect(error.map { "\($0)" } == "debian:6.12-x86_64: no network")
  }

  @Test func `what the script started ends when the task is cancelled`() async throws {
    let pid = directory.path.appending("pid")
    let script = try directory.file("script", Array("sleep 60 & echo $! > \(pid); wait".utf8))
    let task = Task { try await DebianKernelTests.fetch(script) }
    while (try? directory.bytes("pid"))?.last != UInt8(ascii: "\n") {
      try await Task.sleep(for: .milliseconds(20))
    }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    let number = try #require(
      Int32(String(decoding: try directory.bytes("pid").dropLast(), as: UTF8.self)))
    // Signals are sent to all of them, but only the script is waited for.
    for _ in 0..<100 where kill(number, 0) == 0 { try await Task.sleep(for: .milliseconds(50)) }
    #expect(kill(number, 0) == -1)
  }
}
