// SPDX-License-Identifier: MIT

import BootFacts
import CLinux
import Leaf
import Tree
import Unpacking

/// The kernel modules of a payload: a directory for each kernel release, whose modules are loaded in
/// the order of their names.
struct KernelModules {
  /// The directory of the payload.
  private let payload: Int32

  init(of payload: Int32) { self.payload = payload }

  /// Loads the modules of the running kernel if it cannot mount a squashfs without them.
  func provideSquash(_ proc: Proc) throws(PackedTreeFailure) {
    if SquashSupport(proc).missing.isEmpty { return }
    let release = runningRelease()
    var failure: Tree.Failure?
    do throws(Tree.Failure) { try load(release) } catch { failure = error }

    let support = SquashSupport(proc)
    if support.missing.isEmpty { return }
    if let failure { throw PackedTreeFailure(squash: failure) }
    throw PackedTreeFailure(Text("squash: ") + support.words(release, modulesFor: releases))
  }

  /// Loads all modules for a release; those that cannot be loaded may be part of the kernel.
  ///
  /// - Throws: the first failure.
  private func load(_ release: [UInt8]) throws(Tree.Failure) {
    guard let all = try openDirectoryIfAny(cName(Vocabulary.modules), in: payload) else { return }
    defer { close(all) }
    guard let directory = try openDirectoryIfAny(cName(release), in: all) else { return }
    defer { close(directory) }

    var failure: Tree.Failure?
    let names = try entryNames(of: directory)
    var next = names.min(by: Self.precedes)
    while let name = next {
      do throws(Tree.Failure) { try load(name, in: directory) } catch {
        if error.code != EEXIST { failure = failure ?? error.on(name) }
      }
      next = names.filter { Self.precedes(name, $0) }.min(by: Self.precedes)
    }
    if let failure { throw failure }
  }

  private static func precedes(_ one: [CChar], _ other: [CChar]) -> Bool {
    strcmp(one, other) < 0
  }

  private func load(_ name: [CChar], in directory: Int32) throws(Tree.Failure) {
    let file = try attempt("open") { linux_openat(directory, name, O_RDONLY | O_NOFOLLOW, 0) }
    defer { close(file) }
    try attempt("finit_module") { linux_load_module(file) }
  }

  /// The releases that there are modules for, as C strings.
  private var releases: [[CChar]] {
    guard let all = try? openDirectoryIfAny(cName(Vocabulary.modules), in: payload) else {
      return []
    }
    defer { close(all) }
    return (try? entryNames(of: all)) ?? []
  }
}

extension SquashSupport {
  /// What the kernel lacks now.
  fileprivate init(_ proc: Proc) {
    self.init(
      filesystems: proc.read(Text("filesystems")) ?? [], misc: proc.read(Text("misc")) ?? [])
  }
}
