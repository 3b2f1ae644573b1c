// SPDX-License-Identifier: MIT

import FuzzChecks

/// libFuzzer's entry: bytes to the reader of newc records.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  FuzzChecks.newc(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}
