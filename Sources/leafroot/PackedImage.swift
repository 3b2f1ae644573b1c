// SPDX-License-Identifier: MIT

import Evidence
import Files
import Inspection
import SystemPackage

/// The parts of a packed image that PID 1 unpacks; none in any other file.
struct PackedParts {
  private let path: FilePath
  /// The payload as one image, with what is behind the packed archive.
  let payload: [FilePiece]
  /// What newc cannot carry of it.
  let xattrs: FilePiece?
  private let about: FilePiece?

  init(of path: FilePath) {
    self.path = path
    do throws(FileError) {
      let image = try ImageFile(path)
      (payload, xattrs, about) = (image.payload, image.xattrs, image.about)
    } catch {
      // Who reads the file as an image says what is wrong with it.
      (payload, xattrs, about) = ([], nil, nil)
    }
  }

  /// The path of the init that PID 1 prefers to `/init`.
  func preferredInit() throws(FileError) -> [UInt8]? {
    guard let about, about.size <= 4096 else { return nil }
    let bytes = try InputFile(path).bytes(at: about.offset, count: Int(about.size))
    return PayloadAbout(bytes).realInit
  }

  /// The image with the tree that runs: the payload of a packed one, any other as it is.
  func tree(
    onRead: @escaping (Int64, Int64) -> Void = { _, _ in }
  ) throws(FileError) -> ImageSequence {
    ImageSequence(try InputFile(path), pieces: payload, onRead: onRead)
  }
}
