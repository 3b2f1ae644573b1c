// SPDX-License-Identifier: MIT

public import Files
public import Inspection
public import SystemPackage

extension ImageFile {
  /// Writes `segment` and then this image, unchanged, as the new file `output`.
  ///
  /// The segment comes first. It is raw, so the kernel still finds early microcode after it; and if
  /// memory is too small for the image, the half-unpacked tree contains our PID 1, which reports
  /// it. `output` gets this image's permission bits and may be this image.
  /// - Returns: The length of `output` in bytes.
  /// - Throws: ``FileError``, also if this image is already wrapped; `CancellationError` if the
  ///   task was cancelled. `output` is then unchanged.
  @discardableResult
  public func wrap(with segment: Segment, into output: FilePath) throws -> Int64 {
    try refuseIfWrapped()
    let target = try OutputFile(output)
    try target.write(segment.bytes)
    try target.write(contentsOf: file)
    try target.commit(permissions: file.permissions)
    return Int64(segment.bytes.count) + file.size
  }

  /// Writes `segment` and then this image to an open descriptor, which errors name `-`.
  /// - Returns: The number of bytes written.
  /// - Throws: As ``wrap(with:into:)-(_,FilePath)``, but the bytes written remain.
  @discardableResult
  public func wrap(with segment: Segment, into output: FileDescriptor) throws -> Int64 {
    try refuseIfWrapped()
    try segment.write(to: output)
    try file.forEachBlock { block in
      _ = try FileError.naming("-", cannot: "write") { try output.writeAll(block) }
    }
    return Int64(segment.bytes.count) + file.size
  }
}

extension Segment {
  /// Writes this segment as the new file `output`, mode 0644.
  /// - Throws: ``FileError``; `output` is then unchanged.
  public func write(to output: FilePath) throws(FileError) {
    try OutputFile.write(bytes, to: output)
  }

  /// Writes this segment to an open descriptor, which errors name `-`.
  /// - Throws: ``FileError``; the bytes written remain.
  public func write(to output: FileDescriptor) throws(FileError) {
    _ = try FileError.naming("-", cannot: "write") { try output.writeAll(bytes) }
  }
}
