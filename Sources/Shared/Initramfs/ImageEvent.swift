// SPDX-License-Identifier: MIT

public import Newc

/// What comes next in an image.
public enum ImageEvent {
  /// A member begins; only its offset and codec are known.
  case memberBegins(Member)
  /// A file. If it is a regular one, its data follows, and ``dataEnds``.
  case entry(Record)
  /// The next bytes of the file's data, valid until the next event.
  case data(UnsafeRawBufferPointer)
  /// All of the file's data has come.
  case dataEnds
  /// `TRAILER!!!`: the kernel forgets which names were hard links.
  case trailer
  /// A record that the kernel passes over.
  case skipped(Record, Reader.Skip)
  /// A member ends; all about it is known.
  case memberEnds(Member)
}
