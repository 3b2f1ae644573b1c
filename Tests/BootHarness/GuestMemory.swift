// SPDX-License-Identifier: MIT

/// The use of a guest's memory, in kB.
struct GuestMemory {
  /// Memory in tmpfs.
  let shared: Int
  let slab: Int
  /// Memory that is neither free nor in tmpfs or slabs. The processors' lists of free pages count
  /// as free.
  let other: Int
  /// The memory of the image that the kernel reports as freed.
  let freed: Int

  /// Reads the outcome of a boot that ran ``script``.
  init?(_ outcome: Outcome) {
    var values: [Substring: Int] = [:]
    for line in outcome.output.split(separator: "\n") {
      let words = line.split(whereSeparator: { $0 == " " || $0 == ":" })
      if words.count >= 2, let value = Int(words[1]) { values[words[0]] = value }
    }
    guard let total = values["MemTotal"], let free = values["MemFree"],
      let shared = values["Shmem"], let slab = values["Slab"], let waiting = values["count"]
    else { return nil }
    (self.shared, self.slab) = (shared, slab)
    other = total - free - shared - slab - 4 * waiting
    freed = values["freed"] ?? 0
  }

  static let script = """
    busybox mount -t proc proc /proc
    echo 3 > /proc/sys/vm/drop_caches
    # By one program: a second one would move pages between the two.
    busybox cat /proc/meminfo /proc/zoneinfo > /memory
    busybox grep -E '^(MemTotal|MemFree|Shmem|Slab):|count:' /memory
    busybox dmesg | busybox sed -n 's/.*Freeing initrd memory: \\([0-9]*\\)K.*/freed \\1/p'
    """
}
