// SPDX-License-Identifier: MIT

import CLinux
import Leaf

/// The user's parameters for PID 1: from the kernel's command line, and from the arguments and the
/// environment, which the program that executes PID 1 may have changed.
public struct Parameters {
  public typealias Vector = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

  /// With a value it is not ours, as in the seed.
  private static var ask: StaticString { Vocabulary.request }
  private static var optionsName: StaticString { "initramfs_options" }

  /// The words of the command line that the kernel does not know. Parameters without a value are
  /// arguments; NAME=VALUE goes to the environment.
  public let arguments: Vector
  public let environment: Vector

  private let commandLine: KernelCommandLine

  /// - Parameter commandLine: the content of /proc/cmdline; empty if it cannot be read.
  public init(arguments: Vector, environment: Vector, commandLine: [UInt8]) {
    self.arguments = arguments
    self.environment = environment
    self.commandLine = KernelCommandLine(commandLine)
  }

  public var isAsked: Bool {
    commandLine.words.contains { $0.isBare(Self.ask) } || ownArguments > 0
  }

  /// The number of arguments that are our word, without those after `--`, which are for the init.
  /// The kernel appends these to the others.
  private var ownArguments: Int {
    var count = 0
    var next = arguments
    while let word = next.pointee {
      if isAsk(word) { count += 1 }
      next += 1
    }
    for word in commandLine.behindDashes where word.isBare(Self.ask) { count -= 1 }
    return count
  }

  /// `leafroot_init=PATH`
  public var realInit: Text? { value(of: Vocabulary.initParameter) }

  /// `init=PATH`, which the kernel takes itself (init/main.c, init_setup()).
  public var kernelsInit: Text? { commandLine.value(of: "init").map { Text(Array($0)) } }

  /// `initramfs_options=OPTIONS`. A kernel that knows this parameter does not pass it on; it
  /// is then only on the command line.
  public var options: Text? { value(of: Self.optionsName) }

  /// `leafroot_partial=ok`: boot a half-unpacked image anyway.
  public var isPartialAllowed: Bool {
    value(of: Vocabulary.partialParameter)?.bytes[...].equals("ok") ?? false
  }

  /// The environment takes precedence: a script that executes PID 1 may have changed it.
  private func value(of name: StaticString) -> Text? {
    var next = environment
    while let entry = next.pointee {
      if let value = environmentValue(entry, of: name) { return Text(bytes(of: value)) }
      next += 1
    }
    return commandLine.value(of: name).map { Text(Array($0)) }
  }

  /// Removes our parameters from both: the real init gets only its own.
  public func removeOurs() {
    var count = ownArguments
    remove(from: arguments) { word in
      guard count > 0, isAsk(word) else { return false }
      count -= 1
      return true
    }
    remove(from: environment) { entry in
      environmentValue(entry, of: Vocabulary.initParameter) != nil
        || environmentValue(entry, of: Self.optionsName) != nil
        || environmentValue(entry, of: Vocabulary.partialParameter) != nil
    }
  }

  private func remove(from vector: Vector, where isOurs: (UnsafePointer<CChar>) -> Bool) {
    var (read, write) = (vector, vector)
    while let word = read.pointee {
      if !isOurs(word) {
        write.pointee = word
        write += 1
      }
      read += 1
    }
    write.pointee = nil
  }

  private func isAsk(_ word: UnsafePointer<CChar>) -> Bool {
    KernelWord(name: bytes(of: word)[...], value: nil).isBare(Self.ask)
  }

  /// The value of `entry` if it is `name=VALUE`.
  private func environmentValue(
    _ entry: UnsafePointer<CChar>, of name: StaticString
  ) -> UnsafePointer<CChar>? {
    guard let equals = strchr(entry, 0x3d) else { return nil }
    let count = UnsafePointer(equals) - entry
    let bytes = UnsafeRawBufferPointer(start: entry, count: count)
    let word = KernelWord(name: Array(bytes)[...], value: nil)
    return word.isCalled(name) ? UnsafePointer(equals) + 1 : nil
  }
}

/// Whether a C string is `text`.
public func matches(_ word: UnsafePointer<CChar>, _ text: StaticString) -> Bool {
  bytes(of: word)[...].equals(text)
}
