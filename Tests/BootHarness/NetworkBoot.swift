// SPDX-License-Identifier: MIT

extension LoaderBoot {
  /// How the medium comes over QEMU's network.
  enum Server: CaseIterable, Sendable {
    case tftp, http

    /// The medium's URL, with the last `/`; for TFTP, where the boot loader came from.
    var prefix: String { self == .tftp ? "" : "http://10.0.2.100/" }
  }

  /// Boots from the network: QEMU's DHCP names `file`, which its TFTP has.
  ///
  /// - Parameters:
  ///   - others: More arguments for QEMU.
  ///   - rom: The card has iPXE; otherwise the firmware loads `file`.
  func runFromNetwork(
    _ file: String, _ others: [String] = [], rom: Bool = true
  ) async throws -> Outcome {
    // QEMU starts busybox for each connection, as inetd would.
    let server = "guestfwd=tcp:10.0.2.100:80-cmd:\(Place.busybox) httpd -i -h \(medium)"
    return try await run(
      [
        "-netdev", "user,id=net,tftp=\(medium),bootfile=\(file),\(server)",
        "-device", "virtio-net-pci,netdev=net,bootindex=1" + (rom ? "" : ",romfile="),
      ] + others)
  }
}
