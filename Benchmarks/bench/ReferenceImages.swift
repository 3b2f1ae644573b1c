// SPDX-License-Identifier: MIT

import Files
import Initramfs
import SystemPackage

/// An image of the script `yardstick`.
struct Yardstick: Sendable {
  let figures: Figures
  let specimen: Specimen
}

/// The images of the script `yardstick`, in all forms.
struct Yardsticks: Sendable {
  /// What they are made of, one NAME VERSION a line.
  let packages: String
  let image: Yardstick
  let small: Yardstick
  /// Bytes of the image, and of the packed one.
  let imageSizes: [Variant: Int64]

  /// Builds what is missing.
  init(_ bench: Workbench) async throws {
    let script = try await made(by: "Benchmarks/yardstick")
    packages = try text(of: script.appending("packages"))
    func yardstick(_ name: String) throws -> Yardstick {
      let figures = try Figures(script.appending("\(name).figures"))
      return Yardstick(
        figures: figures,
        specimen: Specimen(
          name: name, plain: script.appending("\(name).zst"),
          command: ["/.bench/whole", "\(figures.files)", "\(figures.named)"],
          attachments: [bench.comparators.appending("segment.cpio")], directory: bench.directory))
    }
    image = try yardstick("image")
    small = try yardstick("small")
    for specimen in [image.specimen, small.specimen] {
      try await specimen.make(Variant.allCases, bench)
    }
    imageSizes = [
      .stock: try InputFile(image.specimen.plain).size,
      .pack: try InputFile(image.specimen.path(for: .pack)).size,
    ]
  }
}
