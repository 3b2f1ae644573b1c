// SPDX-License-Identifier: MIT

public import BootFacts
public import Compression
import Initramfs
import Leaf
import Tree

extension Text {
  /// The file, the place in it, and what is wrong: `/.leafroot/0003, byte 4096: …`.
  public init(_ failure: PayloadFailure) {
    self.init("/")
    add(Vocabulary.payload)
    if !failure.file.isEmpty {
      add("/")
      add(failure.file)
    }
    if failure.offset > 0 {
      add(", byte ")
      add(Int(failure.offset))
    }
    add(": ")
    add(failure.cause)
  }

  private mutating func add(_ cause: PayloadFailure.Cause) {
    switch cause {
    case .call(let failure):
      add(failure.step)
      add(": ")
      add(error: failure.code)
    case .refused(let refusal): add(refusal)
    case .unpack(let failure):
      add(failure.name)
      add(": ")
      add(error: failure.code)
    case .missing: add("missing, the image is cut short")
    case .memory: add("too little memory is left to go on")
    case .sidecar(let fault):
      add("line ")
      add(fault.line)
      add(": expected ")
      add(fault.expected)
    }
  }

  /// Adds what the kernel would say, and what else is known.
  private mutating func add(_ refusal: Refusal) {
    add(refusal.literalKernelMessage)
    if case .member(_, _, let failure) = refusal.fault {
      add(": ")
      add(failure)
    }
    if let offset = refusal.unpackedOffset {
      add(" (byte ")
      add(Int(offset))
      add(" unpacked)")
    }
  }

  /// `found … (…), expected …`
  public mutating func add(_ failure: Decoder.Failure) {
    add("found ")
    add(failure.found)
    switch failure.detail {
    case .none: break
    case .library(let sentence):
      add(" (")
      add(cString: sentence.text)
      add(")")
    case .bytes(let count):
      add(" (")
      add(count)
      add(" bytes)")
    case .number(let number):
      add(" (")
      add(number)
      add(")")
    }
    add(", expected ")
    add(failure.expected)
  }
}
