// SPDX-License-Identifier: MIT

import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import BootHarness

/// The commands that the documents show do what the documents say.
@Suite struct GuideTests {
  private static let guides = [
    "continuous-integration", "hpc-node", "image-pipeline", "linux-7", "netbooted-fleet",
    "no-pivot", "rescue-system",
  ]
  private static let documents = ["README.md"] + guides.map { "Documentation/guides/\($0).md" }

  @Test(arguments: documents)
  func `each command of a document prints what the document shows`(document: String) async throws {
    try await follow(document) { directory in
      try directory.link("vmlinuz-7", to: Place.kernel("7.3-x86_64"))
    }
  }

  @Test(.enabled(if: Privilege.mayRun, "umoci makes an image with owners as root"))
  func `each command of the guide to container images prints what it shows`() async throws {
    try await follow("Documentation/guides/container-image.md") { directory in
      let script = """
        umoci init --layout layout && umoci new --image layout:12
        umoci unpack --image layout:12 bundle && cd bundle/rootfs
        mkdir bin dev etc proc sys && cp \(Place.busybox) bin/ && ln -s busybox bin/sh
        printf '#!/bin/sh\\nexec /.leafroot-boot/init\\n' > bin/start && chmod 755 bin/start
        echo 'hello from a container image' > etc/greeting
        cd ../.. && umoci repack --image layout:12 bundle
        umoci config --image layout:12 --config.entrypoint /bin/start
        """
      try directory.shell(script)
    }
  }

  @Test func `each command of the guide to live systems prints what it shows`() async throws {
    try await follow("Documentation/guides/live-system.md") { directory in
      let kernel = Place.kernel("6.12-x86_64").removingLastComponent()
      let script = """
        mkdir live && cd live && mkdir -p dev etc proc sys usr/bin usr/sbin
        ln -s usr/bin bin && ln -s usr/lib lib && ln -s usr/sbin sbin
        cp \(Place.busybox) usr/bin/ && ln -s busybox usr/bin/ls && ln -s busybox usr/bin/sh
        printf '#!/bin/sh\\nexec /.leafroot-boot/init\\n' >usr/sbin/init && chmod 755 usr/sbin/init
        modules=usr/lib/modules/$(cat \(kernel)/version)
        mkdir -p $modules && cp \(kernel)/modules/*.ko $modules/
        bsdtar -cf - . | tar2sqfs -q ../filesystem.squashfs
        """
      try directory.shell(script)
    }
  }

  @Test func `each guide is tested, or has no commands`() throws {
    let directory = Place.root.appending("Documentation/guides")
    let names = try FileManager.default.contentsOfDirectory(atPath: directory.string)
    for name in names where name.hasSuffix(".md") {
      let steps = try transcript(directory.appending(name)).steps
      let guide = String(name.dropLast(3))
      let isKnown = (Self.guides + ["container-image", "live-system"]).contains(guide)
      #expect(isKnown == !steps.isEmpty, "\(name)")
    }
  }

  @Test func `twin: another output is noticed`() {
    let step = Transcript(
      """
      ```console
      $ run
      a … c
      …
      end
      ```
      """
    ).steps[0]
    #expect(step.command == "run")
    #expect(step.matches("a b c\nend\n"))
    #expect(step.matches("a  c\nx\ny\nend\n"))
    for other in ["a b\nend", "a b c", "a b c\nend\nmore", "x a b c\nend", "", "end"] {
      #expect(!step.matches(other), "\(other)")
    }
  }

  private func transcript(_ path: FilePath) throws -> Transcript {
    Transcript(try String(contentsOfFile: path.string, encoding: .utf8))
  }

  /// Runs the commands of a document in a directory with a kernel, the image of the demo, and that
  /// image wrapped.
  private func follow(
    _ document: String, with prepare: (TemporaryDirectory) throws -> Void
  ) async throws {
    let directory = try TemporaryDirectory()
    try directory.link("vmlinuz", to: Place.kernel("6.12-x86_64"))
    try directory.link("leafroot", to: FilePath(Command.leafroot))
    try prepare(directory)
    try await run("\(Place.root)/Scripts/demo-image image.img", in: directory)
    try await run("leafroot wrap image.img -o wrapped.img", in: directory)

    let steps = try transcript(Place.root.appending(document)).steps
    #expect(!steps.isEmpty)
    for step in steps {
      let boots = ["boot", "matrix", "least-memory"].contains {
        step.command.contains("leafroot \($0)")
      }
      let output =
        if boots {
          try await Gate.shared.pass { try await run(step.command, in: directory) }
        } else {
          try await run(step.command, in: directory)
        }
      #expect(
        step.matches(output), "\(document):\(step.line): \(step.command)\n\(output)")
    }
  }

  /// - Returns: what the command prints, errors too.
  @discardableResult
  private func run(_ command: String, in directory: TemporaryDirectory) async throws -> String {
    var tool = Tool(in: directory)
    tool.environment["PATH"] = "\(directory.path):\(tool.environment["PATH"] ?? "")"
    tool.environment["LEAFROOT_LIB"] = Place.library.string
    let ended = try await onOtherThread { [tool] in try tool.shell("exec 2>&1\n\(command)") }
    #expect(ended.status == 0, "\(command)\n\(ended.output)")
    return ended.output
  }
}

extension TemporaryDirectory {
  fileprivate func link(_ name: String, to path: FilePath) throws {
    try FileManager.default.createSymbolicLink(
      atPath: self.path.appending(name).string, withDestinationPath: path.string)
  }
}
