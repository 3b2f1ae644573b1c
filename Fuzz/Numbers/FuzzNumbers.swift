// SPDX-License-Identifier: MIT

import FuzzChecks

/// libFuzzer's entry: bytes to the arithmetic of PID 1 and of the need of memory.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  FuzzChecks.numbers(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}
