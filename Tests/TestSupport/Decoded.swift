// SPDX-License-Identifier: MIT

public import Compression

/// What became of a member.
public struct Decoded {
  /// What was in it, as far as it goes.
  public private(set) var bytes: [UInt8] = []
  /// Why it goes no further.
  public private(set) var failure: Decoder.Failure?

  /// Decodes `member` with the host's decoder, which gets all that is left of it at each step.
  public init(_ member: [UInt8], _ codec: Codec) throws {
    do {
      self = try Decoded(member, Decoder(codec))
    } catch let failure as Decoder.Failure {
      self.failure = failure
    }
  }

  /// Decodes `member` with `decoder`.
  public init(_ member: [UInt8], _ decoder: Decoder) throws {
    do {
      var buffer = [UInt8](repeating: 0, count: decoder.outputSize)
      var rest = member[...]
      while true {
        let step = try buffer.withUnsafeMutableBytes { sink in
          try rest.withUnsafeBytes { try decoder.step($0, isLast: true, into: sink) }
        }
        bytes += buffer[..<step.made]
        if step.isEnd { return }
        rest = rest.dropFirst(step.taken)
      }
    } catch let failure as Decoder.Failure {
      self.failure = failure
    }
  }
}
