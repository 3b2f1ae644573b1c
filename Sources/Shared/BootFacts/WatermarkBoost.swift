// SPDX-License-Identifier: MIT

/// What the kernel adds to its watermark while free memory is in small pieces: blocks of pages,
/// at least 2 MiB for each zone, and 512 MiB with pages of 64 KiB. If the tree takes nearly all of
/// memory, the kernel then finds nothing to free, and panics with that much free.
///
/// Source: Linux, mm/page_alloc.c: `boost_watermark`; proc_sys_vm(5), watermark_boost_factor.
struct WatermarkBoost {
  private let factor: KernelSetting

  /// Removes what has been added, as any write of watermark_scale_factor does
  /// (`__setup_per_zone_wmarks`), and prevents more until `resume`.
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
