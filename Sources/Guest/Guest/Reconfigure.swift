// SPDX-License-Identifier: MIT

import BootFacts
import CLinux

/// Changes the size of the tmpfs that `directory` is on, and nothing else. A failure is ignored;
/// the old size then remains.
///
/// fspick(2), fsconfig(2): Linux 5.2.
///
/// - Parameter size: in bytes.
func reconfigure(_ directory: Int32, size: Int) {
  let context = linux_fspick(directory)
  if context < 0 { return }
  defer { close(context) }

  var text = Text()
  text.add(size)
  let option: StaticString = "size"
  option.withCString { option in text.withCString { _ = linux_fsconfig_set(context, option, $0) } }
  _ = linux_fsconfig_reconfigure(context)
}
