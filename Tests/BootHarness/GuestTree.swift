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

  /// The same with its init elsewhere; nil for none at all.
  init(init path: String?) {
    // A missing kit shows as a guest without a shell, with this path in the failure's console.
    let content = FileManager.default.contents(atPath: Place.busybox.string).map(Array.init)
    self.init(busybox: content ?? [], init: path)
  }

  /// An archive of its records.
  var image: [UInt8] { get throws { try Segment(records).bytes } }

  /// Besides the busybox system, `count` files of so many bytes, each with its number in it, in
  /// directories of 1,000.
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

  /// PID 1, under a name of the test's choice.
  mutating func addProgram(_ name: String) throws {
    file(name, try GuestInit.built().bytes)
  }
}
