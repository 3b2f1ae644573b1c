// SPDX-License-Identifier: MIT

import CLinux

/// The memory of this machine that nobody uses.
///
/// The kernel holds free pages in lists for single processors, which no count of free memory
/// contains, and which no process gets when there are no others. The lists grow when much is freed at
/// once, as the image is before PID 1 runs: with 400 MiB of memory, up to 34 MiB on Linux 7.3.
/// Source: Linux, mm/page_alloc.c: `nr_pcp_high`, `zone_watermark_fast`.
public struct FreeMemory {
  /// /proc/sys/vm/stat_refresh; -1 if it cannot be read.
  private let refresh: Int32
  /// How much of free memory no process gets, in bytes.
  private let kept: Int

  /// - Parameters:
  ///   - refresh: /proc/sys/vm/stat_refresh, open for reading; -1 if there is none.
  ///   - watermark: /proc/sys/vm/min_free_kbytes; nil if that is not known.
  public init(refresh: Int32, watermark: Int?) {
    self.refresh = refresh
    let info = systemInformation()
    kept = keptMemory(
      of: Int(clamping: info.totalram).times(Int(info.mem_unit)), watermark: watermark,
      pageSize: Self.pageSize)
  }

  /// Of this machine, in bytes: sysconf(3).
  public static var pageSize: Int { sysconf(Int32(_SC_PAGESIZE)) }

  /// What processes can get, in bytes. The lists are emptied only if that may be less than is
  /// wanted.
  public func usable(wanting bytes: Int) -> Int {
    var misses = 0
    var usable = withoutLists
    // Each time takes an eighth of what is in them: a fiftieth is left in the end.
    for _ in 0..<32 where usable < bytes && misses < 2 {
      guard shortenLists() else { break }
      let now = withoutLists
      misses = now > usable ? 0 : misses + 1
      usable = now
    }
    return max(0, usable)
  }

  /// Closes stat_refresh. After that, `usable` no longer empties the lists.
  public func close() { _ = CLinux.close(refresh) }

  /// Less than nothing below the watermark.
  private var withoutLists: Int { Self.unused() - kept }

  /// Each read(2) of the file has every processor do what it does once in a second: proc_sys_vm(5);
  /// since Linux 6.7, mm/page_alloc.c, `decay_pcp_high`.
  private func shortenLists() -> Bool {
    var none: UInt8 = 0
    return pread(refresh, &none, 1, 0) >= 0
  }

  /// What sysinfo(2) knows of, in bytes.
  public static func unused() -> Int {
    let info = systemInformation()
    return (Int(clamping: info.freeram).plus(Int(clamping: info.bufferram))).times(
      Int(info.mem_unit))
  }
}

/// How much of free memory no process gets, in bytes: below its watermark the kernel frees, and
/// kills, rather than give more; and in the lowest zone it keeps a 256th of the others for devices.
///
/// Source: Linux, mm/page_alloc.c: `calculate_min_free_kbytes`, `sysctl_lowmem_reserve_ratio`. The
/// kernel raises the watermark on machines that have huge pages: mm/khugepaged.c,
/// `set_recommended_min_free_kbytes`. While free memory is in small pieces, the watermark is higher by
/// a block of pages, unless memory has less than four blocks (mm/page_alloc.c, `boost_watermark`): that
/// counts where pages, and so blocks, are large.
///
/// - Parameters:
///   - total: of memory, in bytes.
///   - watermark: /proc/sys/vm/min_free_kbytes; nil if that is not known.
///   - pageSize: in bytes. A block has as many as a page has entries of a page table.
func keptMemory(of total: Int, watermark: Int?, pageSize: Int) -> Int {
  let block = pageSize * (pageSize / 8)
  let boost = pageSize > 4096 && total / 4 >= block ? block : 0
  return (watermark ?? squareRoot(of: total >> 10).times(4)).times(1 << 10).plus(total >> 8)
    .plus(boost)
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
