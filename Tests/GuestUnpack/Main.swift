// SPDX-License-Identifier: MIT

import CLinux
import Compression
import Evidence

/// Decodes the member that a file begins with, as PID 1 would, and writes what was in it to standard
/// output. It only reads.
///
/// SwiftPM links an executable's `main` under this name.
@c(guest_unpack_main)
func main(_ count: Int32, _ arguments: UnsafePointer<UnsafePointer<CChar>?>) -> Int32 {
  guard count == 2, let path = arguments[1] else {
    Text("usage: guest-unpack FILE\n").write(to: 2)
    return 64
  }
  guard let file = map(path) else { return fail(errorNumber()) }
  guard file.count >= 2, let codec = Codec(kernelMagic: file[0], file[1]) else {
    return fail(Text("found no compressed member"))
  }
  do throws(Decoder.Failure) {
    let decoder = try Decoder(codec)
    guard let output = malloc(decoder.outputSize) else { return fail(errorNumber()) }
    let buffer = UnsafeMutableRawBufferPointer(start: output, count: decoder.outputSize)
    return try unpack(file, decoder, buffer) ? 0 : fail(errorNumber())
  } catch {
    return fail(words(error))
  }
}

/// The file's bytes; nil with errno if it cannot be read, or is empty.
private func map(_ path: UnsafePointer<CChar>) -> UnsafeRawBufferPointer? {
  let file = linux_openat(AT_FDCWD, path, O_RDONLY, 0)
  guard file >= 0 else { return nil }
  let size = Int(lseek(file, 0, SEEK_END))
  guard size >= 0 else { return nil }
  let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, file, 0)
  return start == linux_map_failed() ? nil : UnsafeRawBufferPointer(start: start, count: size)
}

/// - Returns: Whether all could be written.
private func unpack(
  _ file: UnsafeRawBufferPointer, _ decoder: borrowing Decoder,
  _ buffer: UnsafeMutableRawBufferPointer
) throws(Decoder.Failure) -> Bool {
  var offset = 0
  while true {
    let rest = UnsafeRawBufferPointer(rebasing: file[offset...])
    let step = try decoder.step(rest, isLast: true, into: buffer)
    guard put(UnsafeRawBufferPointer(rebasing: buffer[..<step.made])) else { return false }
    if step.isEnd { return true }
    offset += step.taken
  }
}

/// write(2) of all `bytes`.
private func put(_ bytes: UnsafeRawBufferPointer) -> Bool {
  var start = 0
  while start < bytes.count {
    let written = write(1, bytes.baseAddress! + start, bytes.count - start)
    guard written > 0 else { return false }
    start += written
  }
  return true
}

/// What the host says, too.
private func words(_ failure: Decoder.Failure) -> Text {
  var text = Text("found ") + failure.found
  switch failure.detail {
  case .none: break
  case .library(let sentence):
    text.add(" (")
    text.add(cString: sentence.text)
    text.add(")")
  case .bytes(let count):
    text.add(" (")
    text.add(count)
    text.add(" bytes)")
  case .number(let number):
    text.add(" (")
    text.add(number)
    text.add(")")
  }
  return text + ", expected " + failure.expected
}

private func errorNumber() -> Text {
  var text = Text()
  text.add(error: linux_errno())
  return text
}

private func fail(_ reason: Text) -> Int32 {
  var text = Text("guest-unpack: ")
  text.add(reason.bytes)
  text.add("\n")
  text.write(to: 2)
  return 1
}
