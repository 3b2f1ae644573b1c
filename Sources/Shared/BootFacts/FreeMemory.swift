// SPDX-License-Identifier: MIT

import CLinux

/// The unused memory of this machine.
///
/// The kernel holds free pages in lists for single processors. No count of free memory includes
/// them, and no process gets them when there are no others. The lists grow when much is freed at
/// once, as the image is before PID 1 runs: with 400 MiB of memory, up to 34 MiB on Linux 7.3.
/// Source: Linux, mm/page_alloc.c: `nr_pcp_high`, `zone_watermark_fast`.
public struct FreeMemory {
  /// stat_refresh; -1 if it cannot be read.
  private let refresh: Int32
  /// What keeps the watermark where it is; nil if nothing does.
  private let boost: WatermarkBoost?
  /// How much free memory no process gets, in bytes.
  private let kept: Int

  /// Keeps the watermark from being raised until `close()`.
  ///
  /// - Parameter directory: /proc/sys/vm, open for reading; -1 if there is none. It remains the
  ///   caller's.
  public init(in directory: Int32) {
    refresh = linux_openat(directory, "stat_refresh", O_RDONLY, 0)
    boost = WatermarkBoost(suspendedIn: directory)
    let watermark = KernelSetting("min_free_kbytes", in: directory)
    watermark?.close()
    let info = systemInformation()
    kept = Self.kept(
      of: Int(clamping: info.totalram).times(Int(info.mem_unit)), watermark: watermark?.number)
  }

  /// The page size of this machine, in bytes: sysconf(3).
  public static var pageSize: Int { sysconf(Int32(_SC_PAGESIZE)) }

  /// Returns the memory that processes can get, in bytes. Empties the lists only if that may be
  /// less than `bytes`.
  public func usable(wanting bytes: Int) -> Int {
    var usable = withoutLists
    // Each time lowers a list's limit by an eighth, so the first few may free nothing.
    for _ in 0..<32 where usable < bytes {
      guard shortenLists() else { break }
      usable = withoutLists
    }
    return max(0, usable)
  }

  /// Lets the watermark rise again. After that, `usable` no longer empties the lists.
  public func close() {
    boost?.resume()
    _ = CLinux.close(refresh)
  }

  /// Negative below the watermark.
  private var withoutLists: Int { Self.unused() - kept }

  /// Each read(2) of the file makes every processor do what it does once a second: proc_sys_vm(5);
  /// since Linux 6.7, mm/page_alloc.c, `decay_pcp_high`.
  private func shortenLists() -> Bool {
    var none: UInt8 = 0
    return pread(refresh, &none, 1, 0) >= 0
  }

  /// The unused memory that sysinfo(2) reports, in bytes.
  public static func unused() -> Int {
    let info = systemInformation()
    return (Int(clamping: info.freeram).plus(Int(clamping: info.bufferram))).times(
      Int(info.mem_unit))
  }

  /// Returns how much free memory no process gets, in bytes: below its watermark the kernel frees,
  /// and kills, rather than give more; and in the lowest zone it keeps a 256th of the others for
  /// devices.
  ///
  /// Source: Linux, mm/page_alloc.c: `calculate_min_free_kbytes`, `sysctl_lowmem_reserve_ratio`.
  /// The kernel raises the watermark on machines that have huge pages: mm/khugepaged.c,
  /// `set_recommended_min_free_kbytes`.
  ///
  /// - Parameters:
  ///   - total: all memory, in bytes.
  ///   - watermark: min_free_kbytes; nil if unknown.
  public static func kept(of total: Int, watermark: Int?) -> Int {
    (watermark ?? squareRoot(of: total >> 10).times(4)).times(1 << 10).plus(total >> 8)
  }
}

private func systemInformation() -> sysinfo {
  var info = sysinfo()
  sysinfo(&info)
  return info
}

/// The square root, rounded down, by Newton's method.
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
