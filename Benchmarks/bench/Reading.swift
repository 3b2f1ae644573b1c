// SPDX-License-Identifier: MIT

/// What `guest/whole` prints about memory and about reading each file of the tree once.
struct Reading: Equatable, Sendable {
  /// MiB of memory that the root keeps when the real init starts: Shmem in proc_meminfo(5), a
  /// retained initrd, and RAM disks.
  let kept: Int
  /// Seconds from the guest's start until each file has been read once.
  let uptime: Double

  /// Parses the lines `kept KIB` and `read SECONDS`; nil if one of them is missing.
  init?(_ lines: [Substring]) {
    func value(_ key: Substring) -> Double? {
      lines.lazy.map { $0.split(separator: " ") }.first { $0.count == 2 && $0[0] == key }
        .flatMap { Double($0[1]) }
    }
    guard let kept = value("kept"), let read = value("read") else { return nil }
    self.kept = Int((kept / 1024).rounded())
    uptime = read
  }
}
