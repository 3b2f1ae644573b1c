// SPDX-License-Identifier: MIT

import Files

/// The command that builds a unified kernel image: ukify(1).
struct UKICommand {
  let text: String

  init(_ entry: BootEntry) {
    let images = entry.initrds.map { "--initrd=\(shellQuoted($0.path)) \\\n  " }.joined()
    // systemd-stub(7) reads a single .initrd section, into which ukify puts the images in order.
    let note =
      entry.initrds.count > 1
      ? "# ukify makes one .initrd section of the images, in this order; the stub reads only one\n"
      : ""
    text = """
      \(entry.comments)\
      # without Secure Boot, parameters from a boot loader replace all of these
      \(note)\
      ukify build \\
        --linux=\(shellQuoted(entry.kernel)) \\
        \(images)\
      --cmdline=\(shellQuoted(entry.parameters)) \\
        --output=leafroot.efi

      """
  }
}
