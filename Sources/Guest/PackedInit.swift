// SPDX-License-Identifier: MIT

import CLinux
import Evidence
import Leaf
import Tree

/// What PID 1 does besides where the tree is packed.
extension Init {
  /// - Returns: whether it is known if there is one, and it can be unpacked; says why not.
  mutating func findPacked() -> Bool {
    guard Packed.isPossible else { return isNothingPacked() }
    do throws(PackedTreeFailure) {
      let root = try Self.openRoot()
      let memory = freeMemory()
      packed = try Packed.find(below: root, memory)
      if packed == nil {
        memory.close()
        close(root)
      }
      return true
    } catch {
      sayLastWords(error)
      return false
    }
  }

  /// An image behind a packed one may have brought this program, which replaced the one that
  /// unpacks.
  private func isNothingPacked() -> Bool {
    guard Vocabulary.firstOfPayload.withCString({ access($0, F_OK) }) == 0 else { return true }
    log.write(
      .critical,
      """
      cannot unpack the payload, the boot stops: /leafroot is leafroot-init, of another image \
      than the payload
      """)
    return false
  }

  private func sayLastWords(_ failure: PackedTreeFailure) {
    var text = Text("cannot unpack the payload, the boot stops: ")
    text.add(failure.reason.bytes)
    log.write(.critical, text)
  }

  /// proc_sys_vm(5): min_free_kbytes, stat_refresh.
  private func freeMemory() -> FreeMemory {
    let watermark = proc.read(Text("sys/vm/min_free_kbytes"))
    return FreeMemory(
      refresh: proc.open(Text("sys/vm/stat_refresh")),
      watermark: watermark.flatMap { number($0.prefix { $0 != 0x0a }) })
  }

  private static func openRoot() throws(PackedTreeFailure) -> Int32 {
    do throws(Tree.Failure) {
      return try attempt("open") { linux_openat(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY, 0) }
    } catch { throw PackedTreeFailure(error) }
  }

  /// The program that the kernel was told to execute (`rdinit=`), if it is one of the tree, and the
  /// one that the image was packed with.
  var preferredInits: [Text] {
    guard Packed.isPossible, let packed else { return [] }
    var paths: [Text] = []
    if let own = OwnProgram.path, !matches(own, "/leafroot") {
      paths.append(Text(bytes(of: own)))
    }
    if let path = packed.about.realInit { paths.append(Text(path)) }
    return paths
  }

  /// Whether all of the payload is there, and can be unpacked. Says why not.
  func isPackedWhole(_ facts: inout LinuxFacts) -> Bool {
    guard Packed.isPossible, let packed else { return true }
    if !words.isAsked, !facts.isImageWhole(), !words.isPartialAllowed {
      stop(facts.image.complaint)
      return false
    }
    guard let lines = packed.obstacle() else { return true }
    for line in lines { log.write(.critical, line) }
    return false
  }

  /// Unpacks into the root directory as it is, unless the tree is unpacked already.
  ///
  /// - Returns: whether the boot may continue.
  mutating func unpackInPlace() -> Bool {
    guard Packed.isPossible, var packed else { return true }
    let start = milliseconds()

    do throws(PackedTreeFailure) {
      let root = try Self.openRoot()
      defer { close(root) }
      // Without our word, the boot is what it would be without us.
      try InPlace(root, log)
        .run(&packed, endsAtRefusal: !words.isAsked || words.isPartialAllowed)
    } catch {
      sayLastWords(error)
      return false
    }

    warnOfLosses(packed)
    logTree(
      "unpacked ", packed.entries, packed.bytes, milliseconds() - start,
      " into the root file system")
    openConsole(log)
    self.packed = nil
    return true
  }

  func warnOfLosses(_ packed: Packed) {
    if let refusal = packed.refusal {
      var text = Text("Initramfs unpacking failed: ")
      text.add(refusal.bytes)
      log.write(.error, text)
    }
    if packed.missingXattrs > 0 {
      var text = Text("the file system lacks ")
      text.add(packed.missingXattrs)
      text.add(" extended attributes of the tree")
      log.write(.warning, text)
    }
  }
}
