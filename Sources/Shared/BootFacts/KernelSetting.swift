// SPDX-License-Identifier: MIT

import CLinux

/// A file of /proc/sys that holds one number: proc_sys(5).
struct KernelSetting {
  /// The content as it was found, with its line feed.
  let text: [UInt8]
  private let file: Int32

  init?(_ name: StaticString, in directory: Int32) {
    file = name.withCString { linux_openat(directory, $0, O_RDWR, 0) }
    var buffer = [UInt8](repeating: 0, count: 32)
    let count = read(file, &buffer, buffer.count)
    text = Array(buffer[..<max(count, 0)])
    if count <= 0 {
      close()
      return nil
    }
  }

  /// The number that was found; nil if it is not a number.
  var number: Int? { BootFacts.number(text.prefix { $0 != 0x0a }) }

  func set(_ text: [UInt8]) { _ = pwrite(file, text, text.count, 0) }

  func close() { _ = CLinux.close(file) }
}
