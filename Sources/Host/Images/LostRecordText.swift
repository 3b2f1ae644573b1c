// SPDX-License-Identifier: MIT

public import Initramfs
import Newc

extension LostRecord {
  /// The kind of finding.
  public var kind: Finding.Kind { wording.kind }

  /// The entry's name; nil if the record has no readable one.
  public var path: [UInt8]? {
    switch reason {
    case .call, .skipped(.dataUnexpected): record.entry.name
    case .skipped: nil
    }
  }

  /// Why the entry is lost, without its path.
  public var text: String { wording.text }

  private var wording: (kind: Finding.Kind, text: String) {
    switch reason {
    case .call(let loss): wording(loss)
    case .skipped(.nameSize(let size)):
      (
        .nameTooLong,
        "the record at \(record.offset): name size is \(size) bytes, must be 1 to 4096"
      )
    case .skipped(.targetSize(let size)):
      (
        .targetLength,
        "the record at \(record.offset): symbolic link target of \(size) bytes, limit is 4095"
      )
    case .skipped(.dataUnexpected(let size)):
      (.dataUnexpected, "has \(size) bytes of data, but is neither a file nor a symbolic link")
    }
  }

  private func wording(_ loss: Loss) -> (Finding.Kind, String) {
    if loss.step == .type {
      return (.typeUnknown, "mode \(String(record.entry.mode, radix: 8)) has no file type")
    }
    switch loss.code {
    case ErrorNumber.notDirectory: return (.parentMissing, "parent is not a directory")
    case ErrorNumber.linkLoop: return (.parentMissing, "too many levels of symbolic links")
    case ErrorNumber.nameTooLong where record.target.count >= Writer.pathLimit:
      return (.targetLength, "symbolic link target longer than 4095 bytes")
    case ErrorNumber.nameTooLong:
      return (.nameTooLong, "name component longer than 255 bytes")
    case ErrorNumber.noEntry where isNameOfDirectory,
      ErrorNumber.exists where isNameOfDirectory,
      ErrorNumber.isDirectory where isNameOfDirectory:
      return (.nameUnusable, "not a valid file name")
    case ErrorNumber.noEntry where loss.step == .link:
      return (.linkLost, "hard link to a name that no longer exists")
    case ErrorNumber.isDirectory where loss.step == .link, ErrorNumber.noDevice:
      return (.linkLost, "hard link to a name that is no longer a regular file")
    case ErrorNumber.noEntry: return (.parentMissing, "parent directory does not exist yet")
    default: return (.directoryInTheWay, "cannot replace the existing file of this name")
    }
  }

  /// Whether only a directory can have this name: it is empty, ends with a slash, or is `.` or
  /// `..`.
  private var isNameOfDirectory: Bool {
    guard record.entry.type != .directory else { return false }
    let last =
      record.entry.name.split(
        separator: UInt8(ascii: "/"), omittingEmptySubsequences: false
      ).last ?? []
    return last.isEmpty || last.elementsEqual(".".utf8) || last.elementsEqual("..".utf8)
  }
}
