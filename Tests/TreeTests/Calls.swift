// SPDX-License-Identifier: MIT

import CLinux

/// A system call of a test itself that did not succeed.
struct CallFailure: Error, CustomStringConvertible {
  let description: String
}

/// Gives `result`, unless it is negative. Nothing here goes through Tree's own `attempt`, so that
/// `Faults` only reaches what is tested.
@discardableResult
func check<Result: FixedWidthInteger>(_ call: String, _ result: Result) throws -> Result {
  let code = linux_errno()
  guard result >= 0 else {
    throw CallFailure(description: "\(call): \(String(cString: strerror(code)))")
  }
  return result
}

/// A descriptor; the caller closes it.
func openDescriptor(
  _ path: String, _ flags: Int32 = O_RDONLY | O_DIRECTORY, in directory: Int32 = AT_FDCWD
) throws -> Int32 {
  try check("open \(path)", linux_openat(directory, path, flags, 0))
}

/// What the kernel's headers call these, and C's only show with _GNU_SOURCE.
enum Kernel {
  static let cloneFS: Int32 = 0x200
  static let detach: Int32 = 2
  static let bind: UInt = 4096
  static let makePrivate: UInt = 1 << 18
  static let noAccessTime: Int32 = 0o1000000
  static let mountID: UInt32 = 0x1000
  static let openFiles: __rlimit_resource_t = .init(7)
}

/// A path to an entry of an open directory, for calls that have no `*at` form.
func path(_ name: String, in directory: Int32) -> String { "/proc/self/fd/\(directory)/\(name)" }

/// `bytes` as text that shows each of them.
func printable(_ bytes: some Sequence<UInt8>) -> String {
  var text = ""
  for byte in bytes {
    if (0x20..<0x7f).contains(byte) {
      text.unicodeScalars.append(Unicode.Scalar(byte))
    } else {
      text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
  }
  return text
}
