// SPDX-License-Identifier: MIT

import FuzzChecks

/// The name in `--check=`. libFuzzer, which provides main, ignores options with two dashes.
private let check: FuzzCheck = {
  let option = "--check="
  let names = CommandLine.arguments.filter { $0.hasPrefix(option) }.map {
    $0.dropFirst(option.count)
  }
  guard let check = names.last.flatMap({ FuzzCheck(rawValue: String($0)) }) else {
    let known = FuzzCheck.allCases.map(\.rawValue).joined(separator: ", ")
    fatalError("\(option)NAME is missing, or none of \(known)")
  }
  return check
}()

/// libFuzzer's entry point.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  check.run(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}
