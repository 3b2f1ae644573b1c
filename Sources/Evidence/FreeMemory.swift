// SPDX-License-Identifier: MIT

import CLinux

/// Memory that nobody uses, in bytes. sysinfo(2).
public func freeMemory() -> Int {
  let info = systemInformation()
  return Int(info.freeram + info.bufferram) * Int(info.mem_unit)
}

/// How much of free memory no process gets, in bytes: below its watermark the kernel frees, and
/// kills, rather than give more; and in the lowest zone it keeps a 256th of the others for devices.
///
/// Source: Linux, mm/page_alloc.c: `calculate_min_free_kbytes`, `sysctl_lowmem_reserve_ratio`. The
/// kernel raises the watermark on machines that have huge pages: mm/khugepaged.c,
/// `set_recommended_min_free_kbytes`.
///
/// - Parameter watermark: /proc/sys/vm/min_free_kbytes; nil if that is not known.
public func keptMemory(watermark: Int?) -> Int {
  let info = systemInformation()
  return keptMemory(of: Int(info.totalram) * Int(info.mem_unit), watermark: watermark)
}

/// The same for `total` bytes of memory.
func keptMemory(of total: Int, watermark: Int?) -> Int {
  (watermark ?? 4 * squareRoot(of: total >> 10)) << 10 + total >> 8
}

private func systemInformation() -> sysinfo {
  var info = sysinfo()
  sysinfo(&info)
  return info
}

/// Rounded down. Newton's method.
private func squareRoot(of number: Int) -> Int {
  if number < 2 { return number }
  var root = number
  var next = number / 2
  while next < root {
    root = next
    next = (root + number / root) / 2
  }
  return root
}
