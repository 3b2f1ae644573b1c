// SPDX-License-Identifier: MIT

/// One record of the kernel's log, as read(2) of /dev/kmsg returns it:
/// Documentation/ABI/testing/dev-kmsg.
public struct LogRecord {
  /// 0 for the first record since the kernel started.
  public let sequence: Int

  /// Whether the kernel itself wrote it. Records written to /dev/kmsg do not have facility 0.
  public let isKernels: Bool

  public let message: ArraySlice<UInt8>

  /// nil if `record` is malformed.
  public init?(_ record: ArraySlice<UInt8>) {
    // 6,339,5140900,-,caller=T12;message
    //  KEY=value
    guard let first = record.firstIndex(of: 0x2c),
      let second = record[(first + 1)...].firstIndex(of: 0x2c),
      let semicolon = record[(second + 1)...].firstIndex(of: 0x3b),
      let priority = number(record[..<first]), let sequence = number(record[(first + 1)..<second])
    else { return nil }

    self.sequence = sequence
    isKernels = priority < 8
    let rest = record[(semicolon + 1)...]
    message = rest[..<(rest.firstIndex(of: 0x0a) ?? rest.endIndex)]
  }

  /// A line of what syslog(2) returns: `<6>[    1.234567] message`, without the time if
  /// `printk.time=0`, and with `[   T12]` after it if CONFIG_PRINTK_CALLER is set.
  ///
  /// - Parameter number: the line's number; line 0 is the kernel's first record only if it is the
  ///   banner.
  public init?(syslog line: ArraySlice<UInt8>, number: Int) {
    guard line.first == 0x3c, let end = line.firstIndex(of: 0x3e),
      let priority = BootFacts.number(line[(line.startIndex + 1)..<end])
    else { return nil }

    var rest = line[(end + 1)...]
    while rest.first == 0x5b, let bracket = rest.firstIndex(of: 0x5d) {
      rest = rest[(bracket + 1)...]
    }
    message = rest.first == 0x20 ? rest.dropFirst() : rest
    isKernels = priority < 8
    sequence = number > 0 || message.starts(with: "Linux version ") ? number : 1
  }
}

/// The verdict of the kernel's log on the image, from its records, the oldest first.
public struct ImageVerdict {
  /// The kernel's first complaint.
  public private(set) var complaint: [UInt8]?

  /// Whether all records that may concern the image were seen.
  public private(set) var isComplete = false

  private var last: Int?

  public init() {}

  /// init/initramfs.c, do_populate_rootfs(), or populate_rootfs() before Linux 5.13. The second
  /// complaint comes from kernels with `CONFIG_BLK_DEV_RAM=y`, which take a broken image for an
  /// old-style initrd.
  public mutating func add(_ record: LogRecord) {
    let isNext = record.sequence == last.map { $0 + 1 } ?? 0
    last = record.sequence
    if isNext && record.sequence == 0 { isComplete = true }
    // A gap: records were overwritten before they were read.
    if !isNext { isComplete = false }
    guard record.isKernels else { return }

    let message = record.message
    if message.starts(with: "Trying to unpack rootfs image as initramfs") {
      // Earlier records do not concern the image.
      isComplete = true
    } else if complaint == nil,
      message.starts(with: "Initramfs unpacking failed: ")
        || message.starts(with: "rootfs image is not initramfs (")
    {
      complaint = Array(message)
    }
  }
}
