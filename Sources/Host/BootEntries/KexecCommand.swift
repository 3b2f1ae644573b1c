// SPDX-License-Identifier: MIT

import Files

/// The commands that boot from a running system: kexec(8).
struct KexecCommand {
  let text: String

  init(_ entry: BootEntry) {
    let initrd = OneInitrd(entry.initrds)
    text = """
      \(entry.comments)\
      # this is the whole command line; --reuse-cmdline would add the running system's parameters
      # kexec -e stops nothing that runs; to stop it first, use 'systemctl kexec' instead
      \(initrd.command)\
      kexec -l \(shellQuoted(entry.kernel)) --initrd=\(shellQuoted(initrd.path)) \\
        --command-line=\(shellQuoted(entry.parameters)) &&
      kexec -e

      """
  }
}
