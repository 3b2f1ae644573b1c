// SPDX-License-Identifier: MIT

import Files
import SystemPackage

/// An image of the script `yardstick`.
struct ReferenceImage: Sendable {
  let figures: Figures
  let bootImage: BootImage
}

/// The images of the script `yardstick`, in all forms.
struct ReferenceImages: Sendable {
  /// The packages in them, one `NAME VERSION` per line.
  let packages: String
  let image: ReferenceImage
  let small: ReferenceImage
  /// The sizes in bytes of the stock image and of the packed ones.
  let imageSizes: [Variant: Int64]

  /// Builds what is missing.
  init(_ bench: Bench) async throws {
    let script = try await made(by: "Benchmarks/yardstick")
    packages = try text(of: script.appending("packages"))
    func referenceImage(_ name: String) throws -> ReferenceImage {
      let figures = try Figures(script.appending("\(name).figures"))
      return ReferenceImage(
        figures: figures,
        bootImage: BootImage(
          name: name, plain: script.appending("\(name).zst"),
          command: ["/.bench/whole", "\(figures.files)", "\(figures.named)"],
          attachments: [bench.comparators.appending("segment.cpio")], directory: bench.directory))
    }
    image = try referenceImage("image")
    small = try referenceImage("small")
    try await image.bootImage.make(Variant.allCases, bench)
    try await small.bootImage.make([.stock, .wrap], bench)
    imageSizes = [
      .stock: try InputFile(image.bootImage.plain).size,
      .pack: try InputFile(image.bootImage.path(for: .pack)).size,
      .squash: try InputFile(image.bootImage.path(for: .squash)).size,
    ]
  }
}
