// SPDX-License-Identifier: MIT

/// The prefixes of the lines in which the guest reports to the host
/// (Sources/leafroot-init/Probe.swift).
enum Mark {
  /// The prefix of all of them.
  static let any = "@leafroot "
  /// A line of ours in the kernel's log.
  static let log = "@leafroot log "
  /// The result of the check.
  static let check = "@leafroot check "
  /// The command starts.
  static let command = "@leafroot command"
  /// The command ended, with this status.
  static let exit = "@leafroot exit "
}
