// SPDX-License-Identifier: MIT

/// An entry for systemd-boot: https://uapi-group.org/specifications/specs/boot_loader_specification/
///
/// A value is the rest of its line; there is no quoting.
struct LoaderSpecification {
  let text: String

  init(_ entry: BootEntry) throws(EntryError) {
    // Before version 250, systemd-boot put the paths into the command line.
    try entry.refuseBlanks("systemd-boot")
    let words = entry.initrds.map { "initrd=\($0.path) " }.joined()
    try BootEntry.check(length: words + entry.parameters)

    let images = entry.initrds.map { "initrd \($0.path)\n" }.joined()
    let note = entry.initrds.count > 1 ? "# one file in each initrd line, in this order\n" : ""
    text = """
      \(entry.comments)\
      title \(entry.title)
      linux \(entry.kernel)
      \(note)\(images)\
      options \(entry.parameters)

      """
  }
}
