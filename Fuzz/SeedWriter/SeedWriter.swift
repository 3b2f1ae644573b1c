// SPDX-License-Identifier: MIT

import Foundation
import OddImages

/// usage: odd-images DIRECTORY [LIMIT]: writes the odd images of at most LIMIT (2048) bytes as
/// seeds for fuzzing.
@main
struct SeedWriter {
  static func main() throws {
    let directory = URL(filePath: CommandLine.arguments[1])
    let limit = CommandLine.arguments.dropFirst(2).first.flatMap { Int($0) } ?? 2048
    for image in try Corpus.images() where image.bytes.count <= limit {
      try Data(image.bytes).write(to: directory.appending(path: image.name))
    }
  }
}
