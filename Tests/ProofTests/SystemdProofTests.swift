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
  /// How the tree is packed, and whether the kernel command line requests the leaf.
  enum Form: CaseIterable {
    case packed, packedWithoutRequest, squashed
  }

  /// Of the kernels.
  private static let series = ["6.1", "6.12", "6.18", "7.3"]

  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// RuntimeTests show that podman runs no container in rootfs.
  @Test(arguments: series, Form.allCases)
  func `Debian 13 boots until systemd says running, and podman runs a container`(
    series: String, form: Form
  ) async throws {
    let starts = try await starts(series, form, then: ["systemctl poweroff"])

    try #require(starts.count == 1, "\(starts)")
    expectRunning(starts[0])
  }

  /// systemd looks for another root in /run/nextroot.
  @Test(
    arguments: [Form.packed, .squashed],
    [
      "systemctl soft-reboot",
      """
      mkdir /run/nextroot && mount -t tmpfs next /run/nextroot
      cp -ax / /run/nextroot && cp -ax /usr /run/nextroot && systemctl soft-reboot
      """,
    ])
  func `a soft reboot, into the same root or its copy, starts the system again`(
    form: Form, reboot: String
  ) async throws {
    let starts = try await starts("6.12", form, then: [reboot, "systemctl poweroff"])

    try #require(starts.count == 2, "\(starts)")
    for start in starts { expectRunning(start) }
  }

  private func expectRunning(_ report: [String: String]) {
    #expect(report["state"] == "running", "\(report)")
    #expect(report["check"] == "0", "\(report)")
    #expect(report["driver"] == "overlay", "\(report)")
    #expect(report["container"] == "runs in /bin /dev /etc /proc /run /sys 0", "\(report)")
  }

  /// Boots, and expects that the system shuts down in the end.
  ///
  /// - Parameter commands: What follows each start of the system.
  /// - Returns: What the script of the service printed at each start, by its first words.
  private func starts(
    _ series: String, _ form: Form, then commands: [String]
  ) async throws -> [[String: String]] {
    let kernel = "\(series)-x86_64"
    var boot = Boot(kernel: kernel, isChecked: false)
    if form == .packed { boot.append = [KernelParameters.request] }
    boot.image = try pack(form, for: series)
    boot.images = [try proof(commands, kernel).image]
    (boot.memory, boot.cpus, boot.timeout) = (1536, 2, .seconds(1200))
    let console = try await boot.run().console
    #expect(console.text.contains("reboot: Power down"), "\(console.text.suffix(3000))")

    var starts: [[String: String]] = []
    for line in console.lines {
      guard let start = line.firstRange(of: "proof: ")?.upperBound else { continue }
      let fields = line[start...].split(separator: " ", maxSplits: 1)
      guard let name = fields.first else { continue }
      if name == "start" { starts.append([:]) }
      if starts.isEmpty { continue }
      starts[starts.count - 1][String(name)] = fields.last?.trimmingCharacters(in: .whitespaces)
    }
    return starts
  }

  /// Packs the tree as people do. What the test itself needs is in an image behind it.
  private func pack(_ form: Form, for series: String) throws -> [UInt8] {
    let tree = Place.cache.appending("systemd/tree")
    var words = [tree.string, "-o", "packed.img", "--level", "3"]
    if form == .squashed { words += ["--squash", "/usr", "--modules", "debian:\(series)"] }
    let ended = try Tool(booting: directory, "pack")(words)
    try #require(ended.status == 0, "\(ended.errors)")
    return try directory.bytes("packed.img")
  }

  /// A service that looks at the system when all others have started, and then runs a command.
  private func proof(_ commands: [String], _ kernel: String) throws -> GuestTree {
    var tree = GuestTree.bare
    tree.directory("proof")
    try tree.addProgram("proof/leafroot-init")
    tree.file("proof/busybox", try bytes(of: Place.busybox))
    tree.file("proof/image.tar", try containerImage())
    tree.file("proof/overlay.ko", try bytes(of: Place.module("overlay", of: kernel)))
    for (number, command) in commands.enumerated() {
      tree.file("proof/then-\(number)", command)
    }
    // /run is what a soft reboot keeps. A squashed root has the module already.
    tree.file(
      "proof/run",
      """
      #!/bin/sh
      say() { echo "proof: $*" >/dev/console; }
      number=$(cat /run/number 2>/dev/null || echo 0)
      echo $((number + 1)) >/run/number
      say start $number
      say state "$(systemctl is-system-running --wait)"
      say failed "$(systemctl --failed --plain --no-legend | tr '\\n' ' ')"
      say check "$(/proof/leafroot-init check >/dev/null; echo $?)"
      grep -qw overlay /proc/filesystems || /proof/busybox insmod /proof/overlay.ko
      say driver "$(podman info --format '{{.Store.GraphDriverName}}' 2>&1 | tail -n 1)"
      say container "$(podman run --rm --network none oci-archive:/proof/image.tar 2>&1 |
        tail -n 1 | tr '\\n' ' ')"
      . /proof/then-$number

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
