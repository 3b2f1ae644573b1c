// SPDX-License-Identifier: MIT

/// Images with an odd beginning: there the kernel's unpacker expects a record, while elsewhere it
/// also accepts padding.
enum Firsts {
  static func images() throws -> [OddImage] {
    func file(_ name: String) -> [UInt8] { archive([.file(name, "content")]) }
    let skipped = OddRecord.file("").with { ($0.nameSize, $0.name) = (0, [0, 0]) }
    return try [
      OddImage("first-skipped", skipped.bytes + zeros(8) + file("first-skipped")),
      OddImage("first-zeros", zeros(12) + file("first-zeros")),
      OddImage("first-open", archive([.file("first-open")], trailer: false)),
      OddImage(
        "first-gzip-skipped",
        Compressor.gzip.compress(skipped.bytes + zeros(8) + file("first-gzip-skipped"))),
      OddImage("first-gzip-zeros", Compressor.gzip.compress(zeros(4) + file("first-gzip-zeros"))),
      OddImage("first-gzip-empty", Compressor.gzip.compress([])),
      OddImage("first-gzip-only-zeros", Compressor.gzip.compress(zeros(100))),
      OddImage("first-gzip-junk", Compressor.gzip.compress(Array("junk".utf8))),
      OddImage("first-gzip-short", Compressor.gzip.compress(Array("0707".utf8))),
    ].map(\.first)
  }
}
