// SPDX-License-Identifier: MIT

public import Files
public import Images
public import SystemPackage

extension Image {
  /// Writes `segment` and then this image, unchanged, to the new file `output`; `-` is standard
  /// output.
  ///
  /// The segment comes first. It is raw, so the kernel still finds early microcode after it. If
  /// memory is too small for the image, the partly unpacked tree contains our PID 1, which reports
  /// that. `output` gets this image's permission bits, and may be this image.
  /// - Returns: The number of bytes written.
  /// - Throws: ``FileError``, also if this image is already wrapped; `CancellationError` if the
  ///   task was cancelled. A file is then unchanged.
  @discardableResult
  public func wrap(with segment: Segment, into output: FilePath) throws -> Int64 {
    try refuseIfWrapped()
    let target = try OutputFile(output)
    try target.write(segment.bytes)
    try target.write(contentsOf: parts, name)
    try target.commit(permissions: permissions)
    return Int64(segment.bytes.count) + parts.size
  }
}

extension Segment {
  /// Writes this segment to the new file `output`, mode 0644; `-` is standard output.
  /// - Throws: ``FileError``; a file is then unchanged.
  public func write(to output: FilePath) throws(FileError) {
    try OutputFile.write(bytes, to: output)
  }
}
