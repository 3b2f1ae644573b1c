// SPDX-License-Identifier: MIT

import CLinux

/// The memory of this machine that nobody uses.
public struct FreeMemory {
  /// /proc/zoneinfo; -1 if it cannot be read.
  private let zones: Int32
  /// How much of it no process gets, in bytes.
  private let kept: Int

  /// - Parameters:
  ///   - zones: /proc/zoneinfo, open for reading; -1 if there is none.
  ///   - watermark: /proc/sys/vm/min_free_kbytes; nil if that is not known.
  public init(zones: Int32, watermark: Int?) {
    self.zones = zones
    kept = keptMemory(watermark: watermark)
  }

  /// What processes can get, in bytes.
  public var usable: Int { max(0, Self.unused() + listed - kept) }

  /// Whether processes can get so many bytes.
  public func suffices(for bytes: Int) -> Bool {
    // Most often that is known without reading the file.
    Self.unused() - kept >= bytes || usable >= bytes
  }

  /// Once it is not asked any more.
  public func close() { _ = CLinux.close(zones) }

  /// What the kernel holds for single processors, in bytes.
  private var listed: Int {
    if zones < 0 { return 0 }
    var offset = 0
    let pages = listedPages { count in
      var buffer = [UInt8](repeating: 0, count: count)
      let read = pread(zones, &buffer, count, offset)
      if read < 0 { return nil }
      offset += read
      return Array(buffer[..<read])
    }
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }

  /// What sysinfo(2) knows of, in bytes.
  public static func unused() -> Int {
    let info = systemInformation()
    return Int(info.freeram + info.bufferram) * Int(info.mem_unit)
  }
}

/// The free pages in the lists of single processors, which no other count of free memory contains.
/// The lists grow when much is freed at once, as the image is before PID 1 runs: with 400 MiB of
/// memory, up to 34 MiB on Linux 7.3, and 3 MiB on 6.12. The kernel takes them back before it kills
/// a process.
///
/// Source: Linux, mm/page_alloc.c: `nr_pcp_high`, `drain_all_pages`; mm/vmstat.c,
/// `zoneinfo_show_print`.
///
/// - Parameter read: read(2) of /proc/zoneinfo.
/// - Returns: 0 if it cannot be read.
func listedPages(_ read: @escaping Lines.Read) -> Int {
  // A hundred bytes for each zone and processor.
  var lines = Lines(longest: 64 << 20, read)
  var pages = 0
  do throws(Unreadable) {
    while let line = try lines.next() {
      // "              count:    1234"
      let field = line.drop { $0 == 0x20 }
      guard field.starts(with: "count:") else { continue }
      pages += number(field.dropFirst(6).drop { $0 == 0x20 }) ?? 0
    }
  } catch { return 0 }
  return pages
}

/// How much of free memory no process gets, in bytes: below its watermark the kernel frees, and
/// kills, rather than give more; and in the lowest zone it keeps a 256th of the others for devices.
///
/// Source: Linux, mm/page_alloc.c: `calculate_min_free_kbytes`, `sysctl_lowmem_reserve_ratio`. The
/// kernel raises the watermark on machines that have huge pages: mm/khugepaged.c,
/// `set_recommended_min_free_kbytes`.
///
/// - Parameter watermark: /proc/sys/vm/min_free_kbytes; nil if that is not known.
private func keptMemory(watermark: Int?) -> Int {
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
