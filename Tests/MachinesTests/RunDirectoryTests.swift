// SPDX-License-Identifier: MIT

import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import Machines

/// Which directories of earlier boots stay.
@Suite struct RunDirectoryTests {
  private let parent: TemporaryDirectory

  init() throws { parent = try TemporaryDirectory() }

  /// A directory that was kept so many seconds after 1970.
  @discardableResult
  private func kept(_ name: String, _ seconds: Double, mark: String = "kept") throws
    -> RunDirectory
  {
    let path = parent.path.appending(name)
    try FileManager.default.createDirectory(
      atPath: path.string, withIntermediateDirectories: false)
    try parent.file("\(name)/console.log", [])
    try parent.file("\(name)/\(mark)", [])
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: seconds)],
      ofItemAtPath: path.appending(mark).string)
    return RunDirectory(path: path)
  }

  private func keepOneMore() throws {
    let path = parent.path.appending("leafroot-new")
    try FileManager.default.createDirectory(
      atPath: path.string, withIntermediateDirectories: false)
    RunDirectory(path: path).keep()
  }

  @Test func `five are kept, the oldest goes`() throws {
    for number in 1...4 { try kept("leafroot-\(number)", Double(number)) }
    try keepOneMore()
    #expect(try parent.names.count == 5)
    try kept("leafroot-0", 0.5)
    RunDirectory(path: parent.path.appending("leafroot-new")).keep()
    #expect(
      try parent.names == [
        "leafroot-1", "leafroot-2", "leafroot-3", "leafroot-4", "leafroot-new",
      ])
  }

  @Test func `the one that is kept now stays, although its clock is behind`() throws {
    for number in 1...5 { try kept("leafroot-\(number)", 4_000_000_000 + Double(number)) }
    try keepOneMore()
    #expect(try parent.names.contains("leafroot-new"))
  }

  @Test func `what is no kept directory stays`() throws {
    for number in 1...5 { try kept("leafroot-\(number)", 10 + Double(number)) }
    try kept("leafroot-running", 1, mark: "other")
    try kept("other-1", 1)
    try parent.file("leafroot-file", [])
    let linked = try kept("elsewhere", 1)
    try FileManager.default.createSymbolicLink(
      atPath: parent.path.appending("leafroot-link").string,
      withDestinationPath: linked.path.string)
    try keepOneMore()
    #expect(
      try parent.names == [
        "elsewhere", "leafroot-2", "leafroot-3", "leafroot-4", "leafroot-5", "leafroot-file",
        "leafroot-link", "leafroot-new", "leafroot-running", "other-1",
      ])
    #expect(try parent.names(in: "elsewhere") == ["console.log", "kept"])
  }

  @Test(.enabled(if: Privilege.mayRun, "gives a directory away: needs root"))
  func `those of other users stay`() throws {
    for number in 1...5 { try kept("leafroot-\(number)", 10 + Double(number)) }
    let others = try kept("leafroot-theirs", 1)
    try #require(chown(others.path.string, 12345, 12345) == 0)
    try keepOneMore()
    #expect(try parent.names(in: "leafroot-theirs") == ["console.log", "kept"])
    // It is not counted among ours either.
    #expect(
      try parent.names == [
        "leafroot-2", "leafroot-3", "leafroot-4", "leafroot-5", "leafroot-new", "leafroot-theirs",
      ])
  }
}
