// SPDX-License-Identifier: MIT

import CLinux

/// Memory that nobody uses, in bytes. sysinfo(2).
public func freeMemory() -> Int {
  var info = sysinfo()
  sysinfo(&info)
  return Int(info.freeram + info.bufferram) * Int(info.mem_unit)
}
