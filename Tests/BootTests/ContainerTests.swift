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

/// Container images as initramfs.
@Suite(.enabled(if: Privilege.mayRun, "umoci makes an image with owners and capabilities as root"))
struct ContainerTests {
  private let directory: TemporaryDirectory

  /// An OCI image of three layers, with all that newc cannot carry, and the same tree as umoci has
  /// it in a directory.
  init() throws {
    directory = try TemporaryDirectory(below: "/dev/shm")
    let script = """
      umoci init --layout oci && umoci new --image oci:test
      umoci unpack --image oci:test bundle
      cd bundle/rootfs
      mkdir -p bin dev proc sys tmp etc var/cache usr/lib && chmod 1777 tmp
      cp \(Place.busybox) bin/busybox && ln -s busybox bin/sh && ln bin/busybox usr/lib/second
      cp \(Place.census) census && printf '#!/bin/sh\\nexec /.leafroot-boot/init\\n' > bin/start
      chmod 755 bin/start census && cp bin/busybox bin/ping
      setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 bin/ping
      setfattr -n trusted.name -v 'some text' etc && setfattr -n user.name -v old census && ln -s usr/lib lib
      printf a > etc/a && printf b > etc/b && printf c > var/cache/c && printf d > etc/ünïcödé
      chown 1000:2000 etc/a && chmod 4711 etc/a && mknod dev/null c 1 3 && mkfifo tmp/fifo
      cd ../.. && umoci repack --image oci:test bundle

      rm -r bundle/rootfs/var/cache bundle/rootfs/etc/b
      printf new > bundle/rootfs/etc/new && ln bundle/rootfs/etc/new bundle/rootfs/tmp/new
      touch -h -d '1960-01-02 UTC' bundle/rootfs/etc/new
      umoci repack --image oci:test bundle

      mkdir bundle/rootfs/var/cache && printf d > bundle/rootfs/var/cache/d
      rm bundle/rootfs/etc/a && mkdir bundle/rootfs/etc/a && chmod 700 bundle/rootfs/etc/a
      umoci repack --image oci:test bundle
      umoci config --image oci:test --config.entrypoint /bin/start
      """
    try directory.shell(script)
  }

  @Test(arguments: StockKernel.rootfsSample, [true, false])
  func `an image of layers boots, with its capabilities, as umoci unpacks it`(
    kernel: StockKernel, hasLeaf: Bool
  ) async throws {
    var boot = Boot(kernel: kernel.name, hasLeaf: hasLeaf, cpus: 2)
    var packer = Packer(.zstd(level: 3), jobs: 2, memberSize: 1 << 20)
    packer.realInit = "/bin/start"
    let source = PackSource(
      directory.path.appending("oci"), Platform(architecture: "amd64"),
      workDirectory: directory.path)
    boot.image = try packer.packed(source.tree { _, _ in }, .built())
    let outcome = try await boot.run("/census /")

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    let host = try Census(of: directory.path.appending("bundle/rootfs"))
    #expect(host.entries.count >= 25)
    // A tmpfs has user.* since Linux 6.6.
    let hasUserXattrs = !["5.10", "6.1"].contains(kernel.series)
    #expect(outcome.logs("lacks 1 extended attribute") != hasUserXattrs, "\(outcome)")
    outcome.expectTree(of: host) { !hasUserXattrs && $0.hasPrefix("./census: ") }
  }
}
