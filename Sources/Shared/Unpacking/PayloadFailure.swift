// SPDX-License-Identifier: MIT

public import Initramfs
public import Tree

/// Why a payload could not be unpacked.
public struct PayloadFailure: Error {
  /// What is wrong.
  public enum Cause: Sendable {
    /// The file cannot be opened or read.
    case call(Tree.Failure)
    /// The kernel would refuse the image.
    case refused(Refusal)
    /// An entry cannot be made: the file system has failed, or the entry's directory is missing.
    case unpack(UnpackFailure)
    /// The payload has fewer files than pack made.
    case missing
    /// Almost no memory is left.
    case memory
    /// The file is a sidecar that cannot be parsed.
    case sidecar(SidecarFault)
  }

  /// The file's name.
  public var file: [UInt8]
  /// How much of it had been read, in bytes.
  public var offset: Int64
  public var cause: Cause
}

extension PayloadFailure {
  /// A file that cannot be opened or read; without a name, the payload's directory.
  package init(_ failure: Tree.Failure, of file: StaticString = "") {
    self.init(
      file: file.withUTF8Buffer { [UInt8]($0) }, offset: 0, cause: .call(failure))
  }

  /// A file that is missing or incomplete: the image is truncated.
  package init(missing file: StaticString) {
    self.init(file: file.withUTF8Buffer { [UInt8]($0) }, offset: 0, cause: .missing)
  }

  /// Returns the same failure with the name of the payload's directory.
  package func inDirectory(_ name: [UInt8]) -> PayloadFailure {
    var failure = self
    failure.file = file.isEmpty ? name : name + [0x2F] + file
    return failure
  }
}
