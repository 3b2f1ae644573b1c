// SPDX-License-Identifier: MIT

import Samples
import TestSupport

/// A small tree for `leafroot pack --squash`, in a directory of its own.
struct SquashTree {
  let directory: TemporaryDirectory
  let leafroot: Tool

  init() throws {
    directory = try TemporaryDirectory()
    leafroot = Tool(in: directory)
    try directory.file("leafroot-init.x86_64", elf(count: 64))
  }

  /// Makes `tree`, with fake modules for Linux 6.12.1 in usr/lib/modules.
  func make() throws {
    try directory.shell(
      """
      mkdir -p tree/usr/bin tree/usr/lib/modules/6.12.1-test/kernel tree/opt/vendor tree/etc
      cd tree
      ln -s usr/lib lib
      ln -s usr/bin/start init
      printf '#!' >usr/bin/start
      chmod 755 usr/bin/start
      printf vendor >opt/vendor/file
      printf config >etc/config
      for part in loop squashfs overlay; do
        printf "ELF $part\\0depends=\\0vermagic=6.12.1-test SMP\\0" \
          >usr/lib/modules/6.12.1-test/kernel/$part.ko
      done
      """)
  }

  /// Packs `tree` into `out`, with /usr squashed.
  func pack(_ options: String...) throws -> Command.Ended {
    try leafroot(
      ["pack", "tree", "-o", "out", "--arch", "x86_64", "--level", "3", "--squash", "/usr"]
        + options)
  }
}
