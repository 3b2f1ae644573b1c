// SPDX-License-Identifier: MIT

import Encoders
import Fidelity
import Importing
import Machines
import Packing
import SystemPackage
import TestSupport
import Testing

@testable import BootHarness

/// What newc cannot carry, in a booted tree.
@Suite(.enabled(if: Privilege.mayRun, "needs root"))
struct SidecarBootTests {
  private let directory: TemporaryDirectory

  /// A tree with xattrs and far times of every type, the root too; with holes that are larger than
  /// the machine's memory; with symbolic links of several names.
  init() throws {
    directory = try TemporaryDirectory()
    let script = """
      mkdir root && cd root && mkdir -p bin dev proc sys tmp etc d && chmod 1777 tmp
      cp \(Place.busybox) bin/busybox && ln -s busybox bin/sh && cp \(Place.census) census
      printf '#!/bin/sh\\nexec /.leafroot-boot/init\\n' > bin/start && chmod 755 bin/start census
      mknod disk b 8 1 && mkfifo fifo && ln -s nowhere link && ln link d/other && ln link zzz
      echo x > file && ln file d/file && truncate -s 900M lastlog
      printf end >> lastlog
      for name in . d fifo disk link file bin/sh; do
        setfattr -h -n trusted.name -v "of $name" $name
        setfattr -h -n security.selinux -v system_u:object_r:usr_t:s0 $name
      done
      setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 file
      touch -h -d '1960-01-02 UTC' link file disk && touch -d '2300-01-02 UTC' d .
      """
    try directory.shell(script)
  }

  @Test(arguments: ["5.10-x86_64", "6.12-x86_64", "7.3-x86_64"])
  func `a booted tree has the xattrs, times, holes and links of its source`(
    kernel: String
  ) async throws {
    var boot = Boot(kernel: kernel, cpus: 2)
    var packer = Packer(.zstd(level: 3), jobs: 2, memberSize: 1 << 20)
    packer.realInit = "/bin/start"
    let root = directory.path.appending("root")
    let source = PackSource(
      root, Platform(architecture: "amd64"), workDirectory: directory.path)
    boot.image = try packer.packed(source.tree { _, _ in }, .built())
    let outcome = try await boot.run(
      "busybox du -k /lastlog; busybox truncate -s 0 /lastlog; /census /")

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(!outcome.logs("extended attribute"), "\(outcome)")
    #expect(outcome.output.contains("4\t/lastlog"), "\(outcome)")
    try outcome.expectTree(of: Census(of: root)) { $0.hasPrefix("./lastlog") }
  }
}
