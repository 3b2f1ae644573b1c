// SPDX-License-Identifier: MIT

import Testing

/// Container runtimes as Debian builds them, with their own defaults.
@Suite struct RuntimeTests {
  private static let names = [
    "pivot_root(busybox)", "runc", "crun", "bwrap", "bwrap (userns)", "podman+runc", "podman+crun",
  ]

  @Test(arguments: StockKernel.modular) func `on the leaf every runtime works`(kernel: StockKernel)
    async throws
  {
    let results = try await run(kernel: kernel.name, hasLeaf: true)

    for name in Self.names { #expect(results[name] == "ok", "\(name): \(results)") }
  }

  @Test(arguments: StockKernel.modular) func `in rootfs every one of them fails`(
    kernel: StockKernel
  )
    async throws
  {
    let results = try await run(kernel: kernel.name, hasLeaf: false)

    for name in Self.names { #expect(results[name] == "FAILED", "\(name): \(results)") }
  }

  @Test(arguments: StockKernel.leaf.filter(\.hasModules))
  func `on a kernel's own leaf every runtime works, with PID 1 in the image and without`(
    kernel: StockKernel
  ) async throws {
    for hasLeaf in [true, false] {
      let results = try await run(kernel: kernel.name, hasLeaf: hasLeaf)

      for name in Self.names { #expect(results[name] == "ok", "\(name): \(results)") }
    }
  }

  private func run(kernel: String, hasLeaf: Bool) async throws -> [String: String] {
    var boot = Boot(kernel: kernel, hasLeaf: hasLeaf, memory: 1024, timeout: .seconds(400))
    boot.images = [Place.cache.appending("kit/full/kit.cpio.zst")]
    let module = Place.cache.appending("kernels/\(kernel)/modules/overlay.ko")
    boot.tree.file("overlay.ko", try bytes(of: module))
    boot.tree.script("sbin/modprobe", "exec /bin/busybox insmod /overlay.ko")
    let outcome = try await boot.run("/kit/bin/runtimes")

    var results: [String: String] = [:]
    for line in outcome.output.split(separator: "\n") {
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
      if fields.count >= 2 { results[String(fields[0])] = String(fields[1]) }
    }
    #expect(results.count == Self.names.count, "\(outcome)")
    return results
  }
}
