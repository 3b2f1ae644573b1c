// SPDX-License-Identifier: MIT

public import Newc

/// What the kernel unpacks before any image, unless it was built with an archive of its own:
/// usr/default_cpio_list.
public enum BuiltInArchive {
  public static var entries: [Entry] {
    [
      Entry(name: Array("dev".utf8), mode: 0o040755),
      Entry(
        name: Array("dev/console".utf8), mode: 0o020600,
        specialDevice: Device(major: 5, minor: 1)),
      Entry(name: Array("root".utf8), mode: 0o040700),
    ]
  }
}
