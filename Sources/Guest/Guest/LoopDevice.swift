// SPDX-License-Identifier: MIT

import BootFacts
import CLinux
import Tree

/// A block device that reads from a file: loop(4). It is free again when neither this descriptor
/// nor a mount uses it.
struct LoopDevice {
  /// In the directory that it was found in.
  let path: Text
  private let descriptor: Int32

  /// Takes the first free device.
  ///
  /// - Parameter devices: the path of a devtmpfs.
  init(on file: Int32, in devices: Text) throws(Tree.Failure) {
    let control = try openPath(devices + "/loop-control", O_RDONLY)
    defer { _ = CLinux.close(control) }

    var attempts = 0
    while true {
      let number = try attempt("LOOP_CTL_GET_FREE") { linux_free_loop_device(control) }
      var path = devices + "/loop"
      path.add(Int(number))
      let device = try openPath(path, O_RDONLY)
      do throws(Tree.Failure) {
        try attempt("LOOP_CONFIGURE") { linux_configure_loop_device(device, file) }
        self.path = path
        descriptor = device
        return
      } catch {
        _ = CLinux.close(device)
        attempts += 1
        // Another process was faster.
        guard error.code == EBUSY, attempts < 100 else { throw error }
      }
    }
  }

  func close() { _ = CLinux.close(descriptor) }
}

/// Opens `path`; a relative one is below the working directory.
@inline(never)
func openPath(_ path: Text, _ flags: Int32) throws(Tree.Failure) -> Int32 {
  try attempt("open") { path.withCString { linux_openat(AT_FDCWD, $0, flags, 0) } }
}
