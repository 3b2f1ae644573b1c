// SPDX-License-Identifier: MIT

import ArgumentParser
import Glibc

/// The number of machines to boot at a time where the host's load does not change the figures.
struct ParallelMachines: ParsableArguments {
  @Option(
    help: ArgumentHelp("Number of parallel machines where guest time counts.", valueName: "n"))
  var jobs = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

  func validate() throws {
    guard jobs >= 1 else {
      throw ValidationError("--jobs \(jobs) is out of range; it must be at least 1.")
    }
  }
}
