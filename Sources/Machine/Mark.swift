// SPDX-License-Identifier: MIT

/// What begins a line with which the guest reports to the host (Sources/leafroot-init/Probe.swift).
enum Mark {
  /// What all of them begin with.
  static let any = "@leafroot "
  /// A line of ours in the kernel's log.
  static let log = "@leafroot log "
  /// What the check found.
  static let check = "@leafroot check "
  /// The command starts.
  static let command = "@leafroot command"
  /// The command ended, with this status.
  static let exit = "@leafroot exit "
}
