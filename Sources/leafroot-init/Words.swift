// SPDX-License-Identifier: MIT

import CLinux

/// The arguments and the environment that the kernel gave PID 1: of the command line's words, those
/// that it did not know itself. Bare ones are arguments, NAME=VALUE are environment.
struct Words {
  typealias Vector = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

  /// The bare word that asks for the leaf; with a value it is not ours, as in the seed.
  static var ask: StaticString { "nonroot_initramfs" }

  let arguments: Vector
  let environment: Vector

  var isAsked: Bool { contains(arguments) { matches($0, Self.ask) } }

  /// `leafroot_init=PATH`
  var realInit: UnsafePointer<CChar>? { value(of: "leafroot_init=") }

  /// `initramfs_options=OPTIONS`, on kernels that do not know the word.
  var options: UnsafePointer<CChar>? { value(of: "initramfs_options=") }

  /// Takes our words out of both: the real init gets what the user meant for it.
  func removeOurs() {
    remove(from: arguments) { matches($0, Self.ask) }
    remove(from: environment) {
      hasPrefix($0, "leafroot_init=") || hasPrefix($0, "initramfs_options=")
    }
  }

  private func value(of name: StaticString) -> UnsafePointer<CChar>? {
    var next = environment
    while let entry = next.pointee {
      if hasPrefix(entry, name) { return UnsafePointer(entry + name.utf8CodeUnitCount) }
      next += 1
    }
    return nil
  }

  private func contains(_ vector: Vector, where isWanted: (UnsafePointer<CChar>) -> Bool) -> Bool {
    var next = vector
    while let word = next.pointee {
      if isWanted(word) { return true }
      next += 1
    }
    return false
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
}

/// Whether a C string is `text`.
func matches(_ word: UnsafePointer<CChar>, _ text: StaticString) -> Bool {
  hasPrefix(word, text) && word[text.utf8CodeUnitCount] == 0
}

/// Whether a C string begins with `prefix`.
func hasPrefix(_ word: UnsafePointer<CChar>, _ prefix: StaticString) -> Bool {
  prefix.withUTF8Buffer { buffer in
    buffer.withMemoryRebound(to: CChar.self) {
      strncmp(word, $0.baseAddress!, $0.count) == 0
    }
  }
}
