// SPDX-License-Identifier: MIT

/// Error numbers of Linux: include/uapi/asm-generic/errno-base.h, errno.h. The same on all of our
/// architectures.
public enum ErrorNumber {
  public static var noEntry: Int32 { 2 }
  static var io: Int32 { 5 }
  public static var noDevice: Int32 { 6 }
  public static var noMemory: Int32 { 12 }
  public static var busy: Int32 { 16 }
  public static var exists: Int32 { 17 }
  public static var notDirectory: Int32 { 20 }
  public static var isDirectory: Int32 { 21 }
  public static var invalid: Int32 { 22 }
  static var readOnly: Int32 { 30 }
  public static var nameTooLong: Int32 { 36 }
  public static var notEmpty: Int32 { 39 }
  public static var linkLoop: Int32 { 40 }

  /// Whether an archive can cause this error on an empty, working file system.
  static func isOrdinary(_ code: Int32) -> Bool {
    switch code {
    case noEntry, noDevice, notDirectory, isDirectory, exists, notEmpty, nameTooLong, linkLoop,
      busy,
      invalid:
      true
    default: false
    }
  }

  /// Whether the disk or memory has failed, rather than the call been refused.
  static func isFailure(_ code: Int32) -> Bool {
    code == io || code == readOnly || code == noMemory
  }
}

/// Parts of `st_mode`: inode(7).
enum FileMode {
  /// `S_IFMT`.
  static var type: UInt32 { 0o170000 }
}
