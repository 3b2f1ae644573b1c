// SPDX-License-Identifier: MIT

import Images
import Importing
import Newc

extension ConsoleFile {
  /// The warning about a tree that has such a file; nil for any other.
  static func warning(in files: [TreeFile]) -> String? {
    let hasFile = files.contains { file in
      file.entry.type == .regular && file.names.contains(where: isConsole)
    }
    return hasFile ? text : nil
  }
}
