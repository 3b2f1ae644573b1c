// SPDX-License-Identifier: MIT

import Images
import Importing
import Initramfs
import Newc

extension ConsoleFile {
  /// The warning about a tree with such a file; nil for any other tree.
  static func warning(in files: [TreeFile]) -> String? {
    let hasFile = files.contains { file in
      file.entry.type == .regular && file.names.contains(where: isConsole)
    }
    return hasFile ? text : nil
  }
}

extension Image {
  /// Warns if the image's console is a regular file.
  func warnOfConsole() throws {
    var console = ConsoleFile()
    _ = try ImageReader(ImageSequence(tree)).finish(noting: &console)
    if console.isFile { standardError("leafroot: warning: \(name): \(ConsoleFile.text)\n") }
  }
}
