// SPDX-License-Identifier: MIT

import Files
import Initramfs
import SystemPackage

/// Writes `text` to standard error.
func standardError(_ text: String) {
  _ = try? FileDescriptor.standardError.writeAll(text.utf8)
}

/// Writes `bytes` to standard output. write(2).
func standardOutput(_ bytes: some Sequence<UInt8>) throws(FileError) {
  do {
    _ = try FileDescriptor.standardOutput.writeAll(bytes)
  } catch {
    throw FileError("-", cannot: "write", (error as? Errno) ?? .ioError)
  }
}
