// SPDX-License-Identifier: MIT

public import Initramfs
public import Newc

/// Records everything in an image.
public struct Recorder {
  /// How to read data.
  public enum Wish {
    case data
    /// Discard it, but verify its checksum.
    case verified
    /// Skip it.
    case nothing
  }

  public private(set) var summary = ImageSummary()
  public private(set) var entries: [Entry] = []
  public private(set) var contents: [String: [UInt8]] = [:]
  public private(set) var targets: [String: String] = [:]
  public private(set) var trailers = 0
  public private(set) var skips: [Reader.Skip] = []

  public var names: [String] { entries.map { String(decoding: $0.name, as: UTF8.self) } }

  public init(
    _ image: [UInt8], _ rules: KernelRules = KernelRules(), _ wish: Wish = .data,
    _ decoders: DecoderStore = DecoderStore()
  ) {
    let reader = ImageReader(Bytes(image), rules, decoders)
    var current = ""
    while let event = reader.next() {
      switch event {
      case .entry(let record):
        entries.append(record.entry)
        current = String(decoding: record.entry.name, as: UTF8.self)
        if record.entry.type == .symbolicLink {
          targets[current] = String(decoding: record.target, as: UTF8.self)
        }
        if wish == .verified { reader.skipData() }
        if wish == .nothing { reader.passOver() }
      case .data(let bytes): contents[current, default: []].append(contentsOf: bytes)
      case .dataEnds: contents[current, default: []] += []
      case .trailer: trailers += 1
      case .skipped(_, let why): skips.append(why)
      case .memberBegins, .memberEnds: break
      }
    }
    summary = reader.summary
  }
}

/// Reads an image in memory.
public func read(
  _ image: [UInt8], digits: Header.Digits = .strict, wish: Recorder.Wish = .data
) throws -> (summary: ImageSummary, found: Recorder) {
  var rules = KernelRules()
  rules.records.digits = digits
  let recorder = Recorder(image, rules, wish)
  return (recorder.summary, recorder)
}

/// Returns the reader's summary of an image in memory.
public func check(_ image: [UInt8], _ rules: KernelRules = KernelRules()) -> ImageSummary {
  ImageReader(Bytes(image), rules).finish()
}
