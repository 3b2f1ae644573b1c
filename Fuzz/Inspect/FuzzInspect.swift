// SPDX-License-Identifier: MIT

import FuzzChecks

/// libFuzzer's entry: bytes to inspect as a whole.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  FuzzChecks.inspect(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}
