// SPDX-License-Identifier: MIT

import BootFacts
import Guest

/// PID 1: moves the tree that the kernel has unpacked, and unpacks a packed one.
///
/// SwiftPM links an executable's `main` under this name.
@c(leafroot_init_main)
func main(_ count: Int32, _ arguments: Parameters.Vector, _ environment: Parameters.Vector) -> Int32
{
  start(count, arguments, environment)
}
