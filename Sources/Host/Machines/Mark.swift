// SPDX-License-Identifier: MIT

import Leaf

/// The prefixes of the lines in which the guest reports to the host
/// (Sources/Guest/Guest/Probe.swift).
enum Mark {
  /// The prefix of all of them.
  static let any = "\(Vocabulary.reportPrefix)"
  /// A line of ours in the kernel's log.
  static let log = any + "\(Vocabulary.logReport)"
  /// The result of the check.
  static let check = any + "\(Vocabulary.checkReport)"
  /// The command starts.
  static let command = any + "\(Vocabulary.commandReport)"
  /// The command ended, with this status.
  static let exit = any + "\(Vocabulary.exitReport)"
}
