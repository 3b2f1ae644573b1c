// SPDX-License-Identifier: MIT

public import Compression
public import Files
public import Initramfs
public import SystemPackage

/// A kernel's configuration: `/boot/config-…`, or `/proc/config.gz`.
public struct KernelConfig: Sendable {
  /// The file it was read from.
  public let path: FilePath
  /// The kernel's version, from the line `# Linux/x86 6.1.192 Kernel Configuration`.
  public private(set) var version: KernelVersion?

  private var values: Set<String> = []
  private var names: Set<String> = []

  /// Configurations take about 300 kB.
  private static let limit = 16 << 20

  /// Reads the file at `path`, plain or gzipped.
  /// - Throws: ``FileError`` if it is not a configuration.
  public init(_ path: FilePath) throws(FileError) {
    let file = try InputFile(path)
    var bytes = try file.bytes(at: 0, count: Int(min(file.size, Int64(KernelConfig.limit))))
    if Codec(magicOf: bytes) == .gzip {
      bytes = try KernelConfig.unzipped(bytes, path)
    }
    self.path = path
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      if version == nil, line.starts(with: "# Linux/".utf8) {
        let words = line.split(separator: UInt8(ascii: " "))
        version = KernelVersion(String(decoding: words.dropFirst(2).first ?? [], as: UTF8.self))
      }
      guard line.starts(with: "CONFIG_".utf8), let end = line.firstIndex(of: UInt8(ascii: "="))
      else { continue }
      let name = String(decoding: line[..<end], as: UTF8.self)
      names.insert(name)
      if line[(end + 1)...].elementsEqual("y".utf8) { values.insert(name) }
    }
    guard !names.isEmpty else {
      throw FileError(path, "is not a kernel configuration: no line CONFIG_…=")
    }
  }

  /// Whether `option` is built in (`=y`); a module (`=m`) does not count.
  public func has(_ option: String) -> Bool { values.contains(option) }

  private static func unzipped(
    _ bytes: [UInt8], _ path: FilePath
  ) throws(FileError) -> [UInt8] {
    var result: [UInt8] = []
    var offset = 0
    do {
      let decoder = try Decoder(.gzip)
      var output = [UInt8](repeating: 0, count: decoder.outputSize)
      var isEnd = false
      while !isEnd, result.count < limit {
        let step = try output.withUnsafeMutableBytes { sink in
          try bytes.withUnsafeBytes { source in
            try decoder.step(
              UnsafeRawBufferPointer(rebasing: source[offset...]), isLast: true, into: sink)
          }
        }
        result += output[..<step.made]
        offset += step.taken
        isEnd = step.isEnd
      }
    } catch let error as Decoder.Failure {
      throw FileError(
        path, offset: Int64(offset), found: error.foundText, expected: "\(error.expected)")
    } catch {
      throw FileError(path, "\(error)")
    }
    return result
  }
}

extension Codec {
  /// The option a kernel needs to read this codec; nil for raw.
  public var kernelOption: String? {
    self == .raw ? nil : "CONFIG_RD_\("\(self)".uppercased())"
  }
}
