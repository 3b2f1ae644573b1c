// SPDX-License-Identifier: MIT

import Foundation
import OddImages

/// usage: odd-images DIRECTORY: writes the small ones of the odd images, to begin fuzzing with.
@main
struct Seeds {
  static func main() throws {
    let directory = URL(filePath: CommandLine.arguments[1])
    for image in try Corpus.fixed() where image.bytes.count <= 2048 {
      try Data(image.bytes).write(to: directory.appending(path: image.name))
    }
  }
}
