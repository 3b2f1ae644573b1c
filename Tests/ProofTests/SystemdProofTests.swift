// SPDX-License-Identifier: MIT

import Fidelity
import Foundation
import Machines
import Packing
import SystemPackage
import TestSupport
import Testing

@testable import BootHarness

/// A whole distribution, packed from a directory: Scripts/systemd-tree.
@Suite(.serialized, .enabled(if: Privilege.mayRun, "reads the files of root, as root"))
struct SystemdProofTests {
  private let directory: TemporaryDirectory

  /// Packs the tree as people do. What the test itself needs is in an image behind it.
  init() throws {
    directory = try TemporaryDirectory()
    let tree = Place.cache.appending("systemd/tree")
    let ended = try Tool(booting: directory, "pack")(
      tree.string, "-o", "packed.img", "--level", "3")
    try #require(ended.status == 0, "\(ended.errors)")
  }

  /// RuntimeTests show that podman runs no container in rootfs.
  @Test(arguments: ["6.12-x86_64", "6.1-x86_64"], [[KernelParameters.request], []])
  func `Debian 13 boots until systemd says running, and podman runs a container`(
    kernel: String, words: [String]
  ) async throws {
    let report = try await report(kernel, words)

    #expect(report["state"] == "running", "\(report)")
    #expect(report["check"] == "0", "\(report)")
    #expect(report["container"] == "runs in /bin /dev /etc /proc /run /sys 0", "\(report)")
  }

  /// What the script of the service printed, by its first words.
  private func report(_ kernel: String, _ parameters: [String]) async throws -> [String: String] {
    var boot = Boot(kernel: kernel, isChecked: false, append: parameters)
    boot.image = try directory.bytes("packed.img")
    boot.images = [try proof().image]
    (boot.memory, boot.cpus, boot.timeout) = (900, 2, .seconds(900))
    let console = try await boot.run().console
    var report = ["console": String(console.text.suffix(3000))]
    for line in console.lines {
      guard let start = line.firstRange(of: "proof: ")?.upperBound else { continue }
      let fields = line[start...].split(separator: " ", maxSplits: 1)
      if let name = fields.first {
        report[String(name)] = fields.last?.trimmingCharacters(in: .whitespaces)
      }
    }
    if report["container"] != nil { report["console"] = nil }
    return report
  }

  /// A service that looks at the system when all others have started.
  private func proof() throws -> GuestTree {
    var tree = GuestTree.bare
    tree.directory("proof")
    try tree.addProgram("proof/leafroot-init")
    tree.file("proof/busybox", try bytes(of: Place.busybox))
    tree.file("proof/image.tar", try containerImage())
    for kernel in ["6.12-x86_64", "6.1-x86_64"] {
      tree.file(
        "proof/overlay-\(kernel.prefix { $0 != "-" }).ko",
        try bytes(of: Place.module("overlay", of: kernel)))
    }
    tree.file(
      "proof/run",
      """
      #!/bin/sh
      say() { echo "proof: $*" >/dev/console; }
      say state "$(systemctl is-system-running --wait)"
      say failed "$(systemctl --failed --plain --no-legend | tr '\\n' ' ')"
      say check "$(/proof/leafroot-init check >/dev/null; echo $?)"
      series=$(uname -r | cut -d . -f 1,2)
      /proof/busybox insmod "/proof/overlay-${series%%[!0-9.]*}.ko"
      say container "$(podman run --rm --network none oci-archive:/proof/image.tar 2>&1 |
        tail -n 1 | tr '\\n' ' ')"
      systemctl reboot --force --force

      """, mode: 0o755)

    tree.file(
      "etc/systemd/system/proof.service",
      """
      [Unit]
      Description=The proof of LeafRoot
      [Service]
      Type=exec
      ExecStart=/proof/run
      Environment=HOME=/root

      """)
    tree.directory("etc/systemd/system/multi-user.target.wants")
    tree.link(
      "etc/systemd/system/multi-user.target.wants/proof.service",
      to: "/etc/systemd/system/proof.service")
    return tree
  }

  /// An OCI archive of busybox and a script.
  private func containerImage() throws -> [UInt8] {
    let script = """
      umoci init --layout oci && umoci new --image oci:hello
      umoci unpack --image oci:hello bundle
      mkdir -p bundle/rootfs/bin && cp \(Place.busybox) bundle/rootfs/bin/sh
      printf '#!/bin/sh\\nset -- /*\\necho "runs in $* $?"\\n' >bundle/rootfs/bin/start
      chmod 755 bundle/rootfs/bin/start
      umoci repack --image oci:hello bundle
      umoci config --image oci:hello --config.entrypoint /bin/start
      tar -C oci -cf image.tar .
      """
    try directory.shell(script)
    return try directory.bytes("image.tar")
  }
}
