// SPDX-License-Identifier: MIT

import BootEntries
import Testing

@testable import BootHarness

/// Boot loaders with what `leafroot entry` prints, those of `make test`.
@Suite struct LoaderTests {
  @Test func `iPXE nests an unmodified image over HTTP`() async throws {
    let boot = try LoaderBoot(.nested)
    let text = try boot.text(for: .ipxe, prefix: LoaderBoot.Server.http.prefix)
    try boot.write(text, to: "entry.ipxe")
    let outcome = try await boot.runFromNetwork("entry.ipxe")

    outcome.expectPromise(text)
    #expect(outcome.logs("unpacked "), "\(outcome)")
  }

  @Test func `GRUB boots a leaf segment and an image from an ISO`() async throws {
    let boot = try LoaderBoot(.segment)
    let outcome = try await boot.runGRUB()

    outcome.expectPromise()
    #expect(outcome.logs("moved "), "\(outcome)")
  }
}
