// SPDX-License-Identifier: MIT

import Evidence
import Guest

/// PID 1 for packed images: it unpacks the tree into the leaf. Where nothing is packed it moves the
/// tree, as leafroot-init does.
///
/// SwiftPM links an executable's `main` under this name.
@c(leafroot_unpack_main)
func main(_ count: Int32, _ arguments: Words.Vector, _ environment: Words.Vector) -> Int32 {
  start(count, arguments, environment, PayloadTree.self)
}
