// SPDX-License-Identifier: MIT

import CLinux
import Tree

/// Opens the console of the tree as standard input, output and error of the real init, as the
/// kernel does (init/main.c, console_on_rootfs()). Before, they refer to a deleted file on rootfs,
/// also if the tree has moved and moved back.
func openConsole(_ log: Log) {
  let console = linux_openat(AT_FDCWD, "/dev/console", O_RDWR, 0)
  if console < 0 { return warn(log, "open") }
  for descriptor: Int32 in 0...2 where descriptor != console {
    if dup2(console, descriptor) < 0 { warn(log, "dup2") }
  }
  // If the kernel opened no console, it is one of the three: only clear its close-on-exec flag.
  if console > 2 { close(console) } else { linux_keep_on_exec(console) }
}

private func warn(_ log: Log, _ call: StaticString) {
  log.warn(
    "the real init's standard descriptors are not /dev/console", Failure(call, linux_errno()))
}
