// SPDX-License-Identifier: MIT

import CLinux
import Evidence

/// Changes the limits of the tmpfs that `directory` is on, and nothing else. A failure is ignored:
/// then the old limits count.
///
/// fspick(2), fsconfig(2): Linux 5.2.
///
/// - Parameters:
///   - size: in bytes.
///   - inodes: nil for no change. tmpfs cannot limit what was unlimited.
func reconfigure(_ directory: Int32, size: Int, inodes: Int?) {
  let context = linux_fspick(directory)
  if context < 0 { return }
  defer { close(context) }

  set(context, "size", size)
  if let inodes { set(context, "nr_inodes", inodes) }
  _ = linux_fsconfig_reconfigure(context)
}

private func set(_ context: Int32, _ option: StaticString, _ number: Int) {
  var text = Text()
  text.add(number)
  option.withCString { option in text.withCString { _ = linux_fsconfig_set(context, option, $0) } }
}
