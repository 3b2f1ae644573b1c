// SPDX-License-Identifier: MIT

import Leaf

/// Kernel command-line parameters for the kernel and for LeafRoot's PID 1.
public enum KernelParameters {
  /// Starts our PID 1.
  public static let program = "rdinit=/\(Vocabulary.program)"

  /// Requests the leaf: the parameter for a packed image, whose /init leads to PID 1.
  public static let request = "\(Vocabulary.request)"

  /// Starts our PID 1 and requests the leaf: the parameters for a wrapped image, and for a packed
  /// one whose /init a later image replaces.
  public static let leaf = "\(program) \(request)"

  /// Names the real init, instead of the usual ones.
  public static func realInit(_ path: String) -> String { "\(Vocabulary.initParameter)=\(path)" }

  /// Starts `/init` despite an earlier `rdinit=`: the last one takes precedence (init/main.c,
  /// `rdinit_setup`). For a kernel that gets ``leaf`` and an image without our PID 1.
  public static let plain = "rdinit=/init"
}
