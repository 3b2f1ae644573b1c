// SPDX-License-Identifier: MIT

import Threads

/// The move of one regular file.
struct FileMove: Job {
  let mover: Mover
  let directory: DirectoryMove
  let name: [CChar]
  let status: Status

  func perform() {
    if !mover.hasFailed {
      do throws(Failure) {
        let endsInHole = try moveRegularFile(
          from: directory.from(name), status, to: directory.to(name))
        mover.count(1, status.size)
        if endsInHole { mover.noteHole(at: name, in: directory) }
      } catch { mover.fail(error.on(name)) }
    }
    mover.release(directory)
  }
}
