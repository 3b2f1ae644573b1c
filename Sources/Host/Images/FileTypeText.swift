// SPDX-License-Identifier: MIT

import Newc

extension Entry.FileType {
  /// The name of this file type in messages.
  var name: String {
    switch self {
    case .fifo: "a fifo"
    case .characterDevice: "a character device"
    case .directory: "a directory"
    case .blockDevice: "a block device"
    case .regular: "a regular file"
    case .symbolicLink: "a symbolic link"
    case .socket: "a socket"
    }
  }
}
