// SPDX-License-Identifier: MIT

import BootFacts
import Foundation
import Testing

/// Vectors as the kernel makes them, ended by nil.
private final class Given {
  let arguments: Parameters.Vector
  let environment: Parameters.Vector
  let words: Parameters

  init(_ commandLine: String, _ arguments: [String], _ environment: [String] = []) {
    self.arguments = Given.vector(["/leafroot"] + arguments)
    self.environment = Given.vector(["HOME=/", "TERM=linux"] + environment)
    words = Parameters(
      arguments: self.arguments, environment: self.environment,
      commandLine: Array("\(commandLine)\n".utf8))
  }

  private static func vector(_ words: [String]) -> Parameters.Vector {
    let vector = Parameters.Vector.allocate(capacity: words.count + 1)
    for (index, word) in words.enumerated() { vector[index] = strdup(word) }
    vector[words.count] = nil
    return vector
  }

  /// What the real init gets.
  var left: [String] {
    words.removeOurs()
    return Array(Given.strings(arguments).dropFirst() + Given.strings(environment).dropFirst(2))
  }

  private static func strings(_ vector: Parameters.Vector) -> [String] {
    var strings: [String] = []
    while let word = vector[strings.count] { strings.append(String(cString: word)) }
    return strings
  }
}

extension Text {
  fileprivate var string: String { String(decoding: bytes, as: UTF8.self) }
}

@Suite struct `The words that ask PID 1` {
  @Test(arguments: [
    ("rdinit=/leafroot nonroot_initramfs", ["nonroot_initramfs"]),
    // init/main.c has cleared the arguments.
    ("nonroot_initramfs rdinit=/leafroot", []),
    ("rdinit=/leafroot nonroot_initramfs init=/x", []),
    ("nonroot_initramfs rdinit=/leafroot -- nonroot_initramfs", ["nonroot_initramfs"]),
    ("\"nonroot_initramfs\" rdinit=/leafroot", []),
    ("nonroot-initramfs", ["nonroot-initramfs"]),
    // A script has executed PID 1 with the word.
    ("rdinit=/script", ["nonroot_initramfs"]),
    ("rdinit=/script -- nonroot_initramfs", ["nonroot_initramfs", "nonroot_initramfs"]),
    // /proc/cmdline could not be read.
    ("", ["nonroot_initramfs"]),
  ])
  func `are found wherever they stand`(commandLine: String, arguments: [String]) {
    #expect(Given(commandLine, arguments).words.isAsked)
  }

  @Test(arguments: [
    ("rdinit=/leafroot", []),
    ("nonroot_initramfs=1", []),
    ("nonroot_initramfs_x x_nonroot_initramfs", ["nonroot_initramfs_x", "x_nonroot_initramfs"]),
    ("x=\"a nonroot_initramfs b\"", []),
    // It is the init's alone.
    ("rdinit=/leafroot -- nonroot_initramfs", ["nonroot_initramfs"]),
    ("-- \"nonroot_initramfs\"", ["nonroot_initramfs"]),
  ])
  func `are not found where they are not, or not ours`(commandLine: String, arguments: [String]) {
    #expect(!Given(commandLine, arguments).words.isAsked)
  }

  @Test func `leave no trace in what the real init gets, and take nothing else`() {
    let given = Given(
      "one nonroot_initramfs two", ["one", "nonroot_initramfs", "two"],
      [
        "leafroot_init=/x", "A=b", "initramfs_options=size=1m", "leafroot_partial=ok",
        "nonroot_initramfs=1", "leafroot-init=/y", "leafroot_initial=z",
      ])
    #expect(given.left == ["one", "two", "A=b", "nonroot_initramfs=1", "leafroot_initial=z"])
  }

  @Test func `behind -- stay with the init`() {
    let given = Given(
      "nonroot_initramfs -- a nonroot_initramfs", ["nonroot_initramfs", "a", "nonroot_initramfs"])
    #expect(given.left == ["a", "nonroot_initramfs"])
    let cleared = Given("nonroot_initramfs init=/x -- nonroot_initramfs", ["nonroot_initramfs"])
    #expect(cleared.left == ["nonroot_initramfs"])
  }

  @Test func `with a value come from the environment, else from the command line`() {
    let given = Given("leafroot_init=/a initramfs_options=\"size=90%,mode=0750\"", [])
    #expect(given.words.realInit?.string == "/a")
    #expect(given.words.options?.string == "size=90%,mode=0750")
    #expect(Given("leafroot_init=/a", [], ["leafroot_init=/b"]).words.realInit?.string == "/b")
    #expect(Given("quiet -- leafroot_init=/a", []).words.realInit == nil)
  }

  @Test func `leafroot_partial= allows a half-unpacked image with "ok" alone`() {
    #expect(Given("leafroot_partial=ok", []).words.isPartialAllowed)
    #expect(!Given("leafroot_partial=okay", []).words.isPartialAllowed)
    #expect(!Given("leafroot_partial", []).words.isPartialAllowed)
    #expect(!Given("", []).words.isPartialAllowed)
  }
}
