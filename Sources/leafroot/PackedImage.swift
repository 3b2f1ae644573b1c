// SPDX-License-Identifier: MIT

import Evidence
import Files
import Initramfs
import Inspection
import Leaf
import SystemPackage
import Unpacking

/// The parts of a packed image that PID 1 unpacks; none in any other file.
struct PackedParts {
  private let path: FilePath
  /// The payload as one image, with what is behind the packed archive.
  let payload: [FilePiece]
  private let about: FilePiece?
  private let names: [[UInt8]]
  private let isPacked: Bool

  init(of path: FilePath) {
    self.path = path
    do throws(FileError) {
      let image = try ImageFile(path)
      (payload, about) = (image.payload, image.about)
      names = image.payloadNames
      isPacked = image.isPacked
    } catch {
      // Who reads the file as an image says what is wrong with it.
      (payload, about, names, isPacked) = ([], nil, [], false)
    }
  }

  /// The paths that PID 1 looks for the init at, in this order.
  func inits() throws(FileError) -> [[UInt8]] {
    let named = try readAbout()?.realInit
    return (named.map { [$0] } ?? []) + Inspection.inits.map { Array($0.utf8) }
  }

  /// The name of the first file that the payload lacks; nil if it has all.
  func firstMissing() throws(FileError) -> [UInt8]? {
    guard let about = try readAbout() else {
      return isPacked ? Array("\(Vocabulary.about)".utf8) : nil
    }
    return Payload.firstMissing(of: about.members, in: names.count) { names[$0] }
  }

  /// What is wrong with the image: what `reading` of ``tree(onRead:)`` has found, or the file that
  /// the payload lacks.
  /// - Throws: ``FileError`` if there was no memory to decode a member.
  func damage(_ reading: Reading) throws(FileError) -> FileError? {
    if let damage = try reading.damage(path) { return damage }
    return try firstMissing().map { name in
      FileError(
        path, "the payload has no file \(String(decoding: name, as: UTF8.self)): cut short")
    }
  }

  private func readAbout() throws(FileError) -> PayloadAbout? {
    guard let about, about.size <= 4096 else { return nil }
    let bytes = try InputFile(path).bytes(at: about.offset, count: Int(about.size))
    return PayloadAbout(bytes)
  }

  /// The image with the tree that runs: the payload of a packed one, any other as it is.
  func tree(
    onRead: @escaping (Int64, Int64) -> Void = { _, _ in }
  ) throws(FileError) -> ImageSequence {
    ImageSequence(try InputFile(path), pieces: payload, onRead: onRead)
  }
}
