// SPDX-License-Identifier: MIT

import FuzzChecks

/// libFuzzer's entry: bytes to the splitter of images into members.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  FuzzChecks.members(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}
