// SPDX-License-Identifier: MIT

import Compression
public import Files
public import Initramfs
import Newc
public import SystemPackage

extension Refusal {
  /// What was found.
  public var found: String {
    switch fault {
    case .record(let reason, _): reason.found
    case .magic(let bytes): Misalignment.isArchive(bytes) ? Misalignment.found : quoted(bytes)
    case .junk: "junk"
    case .unfinishedRecord(let codec): "the end of the \(codec) member"
    case .member(_, _, let failure): failure.foundText
    }
  }

  /// What was expected.
  public var expected: String {
    switch fault {
    case .record(let reason, let takesSums): reason.expected(takesSums)
    case .magic(let bytes):
      Misalignment.isArchive(bytes)
        ? Misalignment.expected(offset) : "newc, a compressed member, or zero bytes"
    case .junk: "a newc record or zero bytes"
    case .unfinishedRecord: "the rest of a record"
    case .member(_, let start, let failure):
      failure.isTruncated ? "\(failure.expected) at \(start)" : "\(failure.expected)"
    }
  }

  /// The message that the kernel prints.
  public var kernelMessage: String { "\(literalKernelMessage)" }

  /// Whether a name lacks its final NUL, which only some kernels check.
  var isOfName: Bool {
    if case .record(.nameUnterminated, _) = fault { true } else { false }
  }

  /// Whether there is no header where one must be.
  var isOfMagic: Bool {
    if case .record(.magic(let bytes), _) = fault, !bytes.elementsEqual(oldMagic) {
      true
    } else {
      false
    }
  }

  /// Returns the refusal as an error about the image at `path`.
  public func error(_ path: FilePath) -> FileError {
    FileError(path, offset: offset, found: found + place, expected: expected)
  }

  /// The position in the member's unpacked data.
  var place: String { unpackedOffset.map { " (byte \($0) unpacked)" } ?? "" }
}

/// The magic number of the format before newc.
private let oldMagic = Array("070707".utf8)

extension Reader.Malformed.Reason {
  fileprivate var found: String {
    switch self {
    case .magic(let bytes): quoted(bytes)
    case .digit(let byte), .padding(let byte): quoted([byte])
    case .nameUnterminated(let size): "a name of \(size) bytes without a NUL at its end"
    case .checksum(let found, _): "data with the sum \(found)"
    }
  }

  fileprivate func expected(_ takesSums: Bool) -> String {
    switch self {
    case .magic: takesSums ? "070701 or 070702" : "070701"
    case .digit: "a hex digit of a newc header"
    case .nameUnterminated: "one that ends with a NUL"
    case .checksum(_, let expected): "\(expected)"
    case .padding: "zero bytes up to a multiple of 4"
    }
  }
}

extension ImageSummary {
  /// Returns what is wrong with the image at `path`: where the kernel stops, or what it does not
  /// notice.
  /// - Throws: ``FileError`` if there was not enough memory to decode a member, which says nothing
  ///   about the image.
  public func damage(_ path: FilePath) throws(FileError) -> FileError? {
    if let refusal {
      if refusal.isOutOfMemory {
        throw FileError(path, "cannot decode the member at \(refusal.offset): out of memory")
      }
      return refusal.error(path)
    }
    if let sidecarFault { return sidecarFault.error(path) }
    if let cutRecord {
      return FileError(
        path, offset: size, found: "the end of the file",
        expected: "more of the record at \(cutRecord)")
    }
    guard let member = members.first(where: \.isCheckWrong) else { return nil }
    return FileError(path, "checksum error in the \(member.codec) member at \(member.offset)")
  }
}

extension SidecarFault {
  /// The faulty line, and its content.
  var foundText: String {
    let name = String(decoding: file, as: UTF8.self)
    return "\(name), line \(line): " + (found.isEmpty ? "what does not fit" : quoted(found))
  }

  /// Returns the fault as an error about the packed image at `path`.
  fileprivate func error(_ path: FilePath) -> FileError {
    FileError(path, found: foundText, expected: "\(expected)")
  }
}
