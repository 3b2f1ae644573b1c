// SPDX-License-Identifier: MIT

/// The messages of PID 1 before it stops because a part of the image is missing: the kernel's
/// message, the cause, and the remedy.
public struct LastWords {
  /// The kernel's message; nil if no inode is free, which the kernel does not log.
  private let complaint: [UInt8]?
  /// The limits of the root directory.
  private let limits: Limits
  /// The memory of the machine, in bytes.
  private let memory: Int
  /// Whether the user gave `initramfs_options=`.
  private let hasOptions: Bool

  public init(
    _ complaint: [UInt8]?, _ limits: Limits, memory: Int, hasOptions: Bool
  ) {
    self.complaint = complaint
    self.limits = limits
    self.memory = memory
    self.hasOptions = hasOptions
  }

  /// The lines for the log, in order.
  public var lines: [Text] { [cause, remedy, Self.word] }

  private var cause: Text {
    var text = Text("the image is half unpacked, the boot stops. The kernel: ")
    if let complaint { text.add(complaint) } else { text.add("nothing") }
    return text
  }

  private var remedy: Text {
    if !limits.hasInodes { return moreInodes }
    if limits.isFull { return moreMemory }
    return Text("/ is not full: the image is damaged, cut short, or followed by junk")
  }

  /// The limit is half of the pages of memory, unless the option is given (mm/shmem.c,
  /// shmem_default_max_inodes()).
  private var moreInodes: Text {
    var text = Text("/ has no free inode of ")
    text.add(limits.inodes)
    text.add(". Needed: more memory, or initramfs_options=nr_inodes=N, where N exceeds the number ")
    text.add("of names in the image, each hard link counted, by at least 8")
    return text
  }

  private var moreMemory: Text {
    var text = Text("/ is full: ")
    text.add(mebibytesOf: limits.used)
    text.add(" of ")
    text.add(mebibytesOf: limits.size)
    text.add(", memory ")
    text.add(mebibytesOf: memory)
    if hasOptions {
      text.add(". Needed: a larger size= in initramfs_options")
    } else {
      text.add(". Needed: more than ")
      text.add(mebibytesOf: leastMemory)
      text.add(" of memory, or initramfs_options=size=90%")
    }
    return text
  }

  /// In bytes. Only a lower bound of the tree's size is known; the limit is a share of the memory.
  private var leastMemory: Int {
    let (used, size) = (limits.used >> 20, max(limits.size >> 20, 1))
    return (used.times(memory >> 20) / size).times(9).times(1 << 20) / 8
  }

  private static var word: Text {
    Text("to boot the half-unpacked image, add leafroot_partial=ok to the kernel command line")
  }
}
