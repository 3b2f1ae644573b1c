// SPDX-License-Identifier: MIT

import BootFacts
import CLinux
import Compression
import Initramfs
import Tree
import Unpacking

/// With one argument, decodes the member that a file begins with, as PID 1 would, and writes what
/// was in it to standard output. With two, unpacks an image into a directory, as the kernel that
/// runs would. With three, unpacks the payload in a directory into another one, with so many threads.
///
/// SwiftPM links an executable's `main` under this name.
@c(guest_unpack_main)
func main(_ count: Int32, _ arguments: UnsafePointer<UnsafePointer<CChar>?>) -> Int32 {
  guard (2...4).contains(count), let path = arguments[1] else {
    Text("usage: guest-unpack FILE [DIRECTORY] | PAYLOAD DIRECTORY THREADS\n").write(to: 2)
    return 64
  }
  if let directory = arguments[2], let threads = arguments[3] {
    return unpack(payload: path, into: directory, threads: Int(atoi(threads)))
  }
  guard let file = map(path) else { return fail(errorNumber()) }
  if let directory = arguments[2] { return unpack(file, into: directory) }
  return decode(file)
}

private func decode(_ file: UnsafeRawBufferPointer) -> Int32 {
  guard file.count >= 2, let codec = Codec(kernelMagic: file[0], file[1]) else {
    return fail(Text("found no compressed member"))
  }
  do throws(Decoder.Failure) {
    let decoder = try Decoder(codec)
    guard let output = malloc(decoder.outputSize) else { return fail(errorNumber()) }
    let buffer = UnsafeMutableRawBufferPointer(start: output, count: decoder.outputSize)
    return try decode(file, decoder, buffer) ? 0 : fail(errorNumber())
  } catch {
    var text = Text()
    text.add(error)
    return fail(text)
  }
}

private func unpack(
  _ file: UnsafeRawBufferPointer, into directory: UnsafePointer<CChar>
) -> Int32 {
  let root = linux_openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY, 0)
  guard root >= 0 else { return fail(errorNumber()) }
  var unpacker = DirectoryUnpacker()
  unpacker.rules = .running
  do throws(DirectoryUnpacker.Failure<Never>) {
    let summary = try unpacker.run(MappedImage(bytes: file), into: root)
    return summary.image.refusal == nil ? 0 : fail(Text("the kernel would refuse the image"))
  } catch {
    guard case .tree(let failure) = error else { return fail(Text("the image cannot be read")) }
    var text = Text(failure.name)
    text.add(": ")
    text.add(error: failure.code)
    return fail(text)
  }
}

/// As PID 1 unpacks a packed image: the payload is consumed.
private func unpack(
  payload: UnsafePointer<CChar>, into directory: UnsafePointer<CChar>, threads: Int
) -> Int32 {
  let source = linux_openat(AT_FDCWD, payload, O_RDONLY | O_DIRECTORY, 0)
  let root = linux_openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY, 0)
  guard source >= 0, root >= 0 else { return fail(errorNumber()) }
  var plan = Payload.Plan()
  plan.rules = .running
  plan.threads = threads
  do {
    guard let payload = try Payload(in: source) else { return fail(Text("found no payload")) }
    plan.members = payload.count
    do throws(PayloadFailure) {
      try payload.unpack(into: root, plan)
      return 0
    } catch { return fail(Text(error)) }
  } catch {
    var text = Text(error.step)
    text.add(": ")
    text.add(error: error.code)
    return fail(text)
  }
}

/// An image that is mapped into memory.
private struct MappedImage: ImageSource {
  typealias Failure = Never

  let bytes: UnsafeRawBufferPointer
  var size: Int64 { Int64(bytes.count) }

  func read(
    at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(Never) -> Int {
    let rest = UnsafeRawBufferPointer(rebasing: bytes[Int(offset)...].prefix(buffer.count))
    buffer.copyMemory(from: rest)
    return rest.count
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
private func decode(
  _ file: UnsafeRawBufferPointer, _ decoder: Decoder,
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
