// SPDX-License-Identifier: MIT

import CLinux

/// What the kernel adds to its watermark while free memory is in small pieces: blocks of pages, for
/// each zone 2 MiB and more, with pages of 64 KiB 512 MiB. Where the tree takes nearly all of memory,
/// it then finds nothing to free, and panics with so much free.
///
/// Source: Linux, mm/page_alloc.c: `boost_watermark`; proc_sys_vm(5), watermark_boost_factor.
struct WatermarkBoost {
  private let factor: KernelSetting

  /// Takes back what has been added, as any write of watermark_scale_factor does
  /// (`__setup_per_zone_wmarks`), and has nothing added until `resume`.
  ///
  /// - Parameter directory: /proc/sys/vm, open for reading.
  /// - Returns: nil if the kernel has no such setting.
  init?(suspendedIn directory: Int32) {
    guard let factor = KernelSetting("watermark_boost_factor", in: directory) else { return nil }
    self.factor = factor
    factor.set(Array("0".utf8))
    guard let scale = KernelSetting("watermark_scale_factor", in: directory) else { return }
    scale.set(scale.text)
    scale.close()
  }

  func resume() {
    factor.set(factor.text)
    factor.close()
  }
}

/// A file of /proc/sys that holds one number: proc_sys(5).
struct KernelSetting {
  /// As it was found, with the line's end.
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

  /// As it was found; nil if it is none.
  var number: Int? { Evidence.number(text.prefix { $0 != 0x0a }) }

  func set(_ text: [UInt8]) { _ = pwrite(file, text, text.count, 0) }

  func close() { _ = CLinux.close(file) }
}
