// SPDX-License-Identifier: MIT

import Fidelity
import Foundation
import Packing
import SystemPackage

extension GuestTree {
  /// A busybox system whose /init is the boot's check.
  init() {
    self.init(init: "/init")
  }

  /// A busybox system whose init is at `path`; nil for none.
  init(init path: String?) {
    // If the kit is missing, the guest has no shell, and the failure's console shows this path.
    let content = FileManager.default.contents(atPath: Place.busybox.string).map(Array.init)
    self.init(busybox: content ?? [], init: path)
  }

  /// A newc archive of the records.
  var image: [UInt8] { get throws { try Segment(records).bytes } }

  /// A busybox system with `count` files of `size` bytes in directories of 1,000; each file
  /// contains its number.
  static func many(_ count: Int, of size: Int) -> GuestTree {
    var tree = GuestTree()
    tree.directory("many")
    for number in 0..<count {
      if number.isMultiple(of: 1000) { tree.directory("many/\(number / 1000)") }
      let text = Array("\(number)\n".utf8)
      tree.file(
        "many/\(number / 1000)/\(number)",
        text + [UInt8](repeating: 0x2e, count: max(0, size - text.count)), mode: 0o644)
    }
    return tree
  }

  /// Adds PID 1 as `name`.
  mutating func addProgram(_ name: String) throws {
    file(name, try GuestInit.built().bytes)
  }
}
