// SPDX-License-Identifier: MIT

/// Compressed members, alone and combined.
enum Members {
  static func images() throws -> [OddImage] {
    try Compressor.allCases.flatMap(single) + pairs() + splits()
  }

  private static func single(_ compressor: Compressor) throws -> [OddImage] {
    let mode = compressor.rawValue
    func start(_ name: String, trailer: Bool = true) -> [UInt8] {
      archive([.directory(name), .file("\(name)/1", "one \(name)").linked(7)], trailer: trailer)
    }
    func end(_ name: String) -> [UInt8] { archive([.file("\(name)/2", "second").linked(7)]) }
    func image(_ kind: String, _ bytes: (String) throws -> [UInt8]) rethrows -> OddImage {
      OddImage("\(mode)-\(kind)", try bytes("\(mode)-\(kind)"))
    }
    let big = (0..<60_000).map { "line \($0 &* 2_654_435_761 % 1_000_003)\n" }.joined()

    return try [
      image("alone") { try compressor.compress(start($0)) },
      image("open") { try compressor.compress(start($0, trailer: false)) },
      image("big") {
        try compressor.compress(
          archive([.directory($0), .file("\($0)/1", big).summed, .file("\($0)/2", big)]))
      },
      image("zeros-behind") { try compressor.compress(start($0)) + zeros(5) },
      image("raw-before") { start($0) + (try compressor.compress(end($0))) },
      image("raw-before-3") { start($0) + zeros(3) + (try compressor.compress(end($0))) },
      image("raw-before-4") { start($0) + zeros(4) + (try compressor.compress(end($0))) },
      image("raw-behind") { try aligned(compressor.compress(start($0))) + end($0) },
      image("raw-behind-8") { try aligned(compressor.compress(start($0))) + zeros(8) + end($0) },
      image("raw-behind-odd") { try aligned(compressor.compress(start($0))) + zeros(9) + end($0) },
      image("links-across") { name in
        try compressor.compress(start(name, trailer: false)) + zeros(8)
          + compressor.compress(end(name))
      },
      image("zeros-inside") { try compressor.compress(zeros(8) + start($0)) },
      image("zeros-inside-second") { name in
        try start(name) + compressor.compress(zeros(7) + end(name))
      },
      image("odd-inside") { name in
        try compressor.compress(start(name) + zeros(3)) + zeros(8) + compressor.compress(end(name))
      },
      image("two-inside") { try compressor.compress(start($0) + zeros(512) + end($0)) },
      image("odd-two-inside") { try compressor.compress(start($0) + zeros(3) + end($0)) },
      image("empty") { try start($0) + compressor.compress([]) + zeros(4) + end($0) },
      image("empty-first") { try aligned(compressor.compress([])) + zeros(4) + start($0) },
      image("only-zeros") { try start($0) + compressor.compress(zeros(100)) },
      image("junk-inside") { try compressor.compress(start($0) + Array("junk".utf8)) },
      image("not-newc") { _ in try compressor.compress(Array("hello, world".utf8)) },
      image("cut-inside") { try compressor.compress(Array(start($0, trailer: false).dropLast(1))) },
      image("twice") { try compressor.compress(compressor.compress(start($0))) },
      image("cut") { Array(try compressor.compress(start($0)).dropLast(9)) }
        .explained(.damagedData),
      image("junk-behind") { try compressor.compress(start($0)) + Array("junk".utf8) },
      image("magic-only") { Array(try compressor.compress(start($0)).prefix(2)) }
        .explained(.damagedData),
    ]
  }

  /// Every pair of compressors back to back; after lz4 also with the zero bytes that it needs.
  private static func pairs() throws -> [OddImage] {
    try Compressor.allCases.flatMap { first in
      try Compressor.allCases.flatMap { second -> [OddImage] in
        let gaps = first == .lz4 ? [0, 1, 3, 4] : [0]
        return try gaps.map { gap in
          let name = "\(first)-\(second)" + (gap > 0 ? "-\(gap)" : "")
          return OddImage(
            name,
            try first.compress(archive([.directory(name), .file("\(name)/1", "1")])) + zeros(gap)
              + second.compress(archive([.file("\(name)/2", "2")])))
        }
      }
    }
  }

  /// An archive in two members, split between and within records.
  private static func splits() throws -> [OddImage] {
    try [0, 1, 2].flatMap { place in
      try [Compressor.gzip, .zstd, .xz].map { compressor in
        let name = "split-\(compressor)-\(place)"
        let first = archive([.directory(name)], trailer: false)
        let whole = first + archive([.file("\(name)/1", "in the second")])
        let cut = first.count + [0, 50, 125][place]
        return OddImage(
          name,
          try compressor.compress(Array(whole[..<cut])) + compressor.compress(Array(whole[cut...])))
      }
    }
  }

  private static func aligned(_ bytes: [UInt8]) -> [UInt8] { bytes + zeros(-bytes.count & 3) }
}
