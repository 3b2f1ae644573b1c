// SPDX-License-Identifier: MIT

/// A label for EXTLINUX, ISOLINUX, PXELINUX and SYSLINUX: https://wiki.syslinux.org/wiki/?title=Config
///
/// A blank in a path cannot be quoted, nor can a comma in the path of an image. The images' paths
/// are added to the kernel's command line (com32/elflink/ldlinux/readconfig.c, record()).
struct SyslinuxEntry {
  let text: String

  init(_ entry: BootEntry) throws(EntryError) {
    try entry.refuseBlanks("SYSLINUX")
    for initrd in entry.initrds where initrd.path.contains(",") {
      throw EntryError("SYSLINUX takes no image with a comma in its path: '\(initrd.path)'")
    }
    let images = entry.initrds.map(\.path).joined(separator: ",")
    try BootEntry.check(length: "\(entry.parameters) initrd=\(images)")
    text = """
      \(entry.comments)\
      LABEL leafroot
        MENU LABEL \(entry.title)
        LINUX \(entry.kernel)
        INITRD \(images)
        APPEND \(entry.parameters)

      """
  }
}
