// SPDX-License-Identifier: MIT

import BootFacts
public import Files
public import Importing

/// The squashed part of a tree, ready to be packed.
public struct Squash {
  let tree: SquashedTree
  /// The squashfs.
  let image: InputFile
  /// The kernels that can mount it.
  let kernels: [KernelModules]

  /// - Parameters:
  ///   - image: The squashfs of `tree`, from ``SquashWriter``.
  ///   - kernels: The kernels that can mount it, with what they need for that.
  public init(_ tree: SquashedTree, _ image: InputFile, _ kernels: [KernelModules]) {
    self.tree = tree
    self.image = image
    self.kernels = kernels
  }

  /// The size of the squashfs in bytes.
  public var size: Int64 { image.size }

  /// Adds what is squashed to the manifest of its payload.
  func describe(in about: inout PayloadManifest) {
    let size = PayloadManifest.Tree(tree.inside.files)
    about.squash = tree.directories.map(\.path)
    about.squashed = PayloadManifest.Squashed(entries: size.entries, bytes: size.bytes)
  }
}
