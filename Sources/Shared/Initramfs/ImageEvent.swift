// SPDX-License-Identifier: MIT

public import Newc

/// What comes next in an image.
public enum ImageEvent {
  /// A member begins; only its offset and codec are known.
  case memberBegins(Member)
  /// A file. If it is a regular file, its data follow, then ``dataEnds``.
  case entry(Record)
  /// The next bytes of the file's data, valid until the next event.
  case data(UnsafeRawBufferPointer)
  /// The file's data are complete.
  case dataEnds
  /// `TRAILER!!!`: the kernel forgets which names were hard links.
  case trailer
  /// A record that the kernel skips.
  case skipped(Record, Reader.Skip)
  /// A member ends; everything about it is known.
  case memberEnds(Member)
}
