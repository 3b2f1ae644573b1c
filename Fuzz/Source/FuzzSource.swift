// SPDX-License-Identifier: MIT

import FuzzChecks

/// libFuzzer's entry: bytes to pack.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  FuzzChecks.source(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}
