// SPDX-License-Identifier: MIT

import CLinux
public import Initramfs

extension KernelRules {
  /// The rules of the running kernel, by uname(2); of the newest if its version is unknown.
  public static var running: KernelRules {
    var name = utsname()
    guard uname(&name) == 0 else { return KernelRules() }
    // Debian's patch level is in what uname calls version.
    let release = withUnsafeBytes(of: name.release) { $0.prefix { $0 != 0 } + [0x20] }
    let version = withUnsafeBytes(of: name.version) { Array($0.prefix { $0 != 0 }) }
    return KernelVersion(Array(release) + version).map { KernelRules($0) } ?? KernelRules()
  }
}

/// The release of the running kernel, as `uname -r` prints it; empty if it is unknown.
package func runningRelease() -> [UInt8] {
  var name = utsname()
  guard uname(&name) == 0 else { return [] }
  return withUnsafeBytes(of: name.release) { Array($0.prefix { $0 != 0 }) }
}
