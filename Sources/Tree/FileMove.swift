// SPDX-License-Identifier: MIT

/// The move of one regular file.
struct FileMove {
  let mover: Mover
  let folder: Folder
  let name: [CChar]
  let status: Status

  func perform() {
    if !mover.hasFailed {
      do throws(Failure) {
        let endsInHole = try moveRegularFile(
          from: folder.from(name), status, to: folder.to(name))
        mover.count(1, status.size)
        if endsInHole { mover.noteHole(at: name, in: folder) }
      } catch { mover.fail(error.on(name)) }
    }
    mover.release(folder)
  }
}
