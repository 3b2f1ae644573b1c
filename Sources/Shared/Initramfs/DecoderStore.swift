// SPDX-License-Identifier: MIT

import Compression
import Threads

/// Decoders that are not in use, for the next members, and for the next readers: the kernel fills
/// the memory of a new decoder with zeros, page by page.
///
/// Any number of ``ImageReader``s may share it that follow the same rules.
public final class DecoderStore {
  private let monitor = Monitor()
  private var idle: [Decoder] = []

  @inline(never)
  public init() {}

  /// Returns a decoder at the start of a member.
  func take(_ codec: Codec, _ rules: Decoder.Rules) throws(Decoder.Failure) -> Decoder {
    // Freed first if it is of another codec.
    if let decoder = takeAny(), decoder.codec == codec { return decoder }
    return try Decoder(codec, rules)
  }

  private func takeAny() -> Decoder? {
    monitor.lock()
    defer { monitor.unlock() }
    return idle.popLast()
  }

  /// Frees the decoders.
  public func clear() { idle = [] }

  /// Keeps a decoder that is no longer in use, if it can be restarted.
  func keep(_ decoder: Decoder) {
    guard decoder.restart() else { return }
    monitor.lock()
    idle.append(decoder)
    monitor.unlock()
  }
}
