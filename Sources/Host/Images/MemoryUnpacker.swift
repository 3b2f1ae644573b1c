// SPDX-License-Identifier: MIT

package import Initramfs

extension Unpacker<MemoryTree> {
  /// Applies a record.
  /// - Returns: The outcome, and whether the kernel reads the record's data, which counts as
  ///   written.
  package mutating func apply(_ record: Record) throws(InspectionLimit) -> (
    outcome: Outcome, hasData: Bool
  ) {
    files.record += 1
    files.sparse = record.extra?.sparse
    do throws(UnpackFailure) {
      let outcome = try apply(record.entry, target: record.target, extra: record.extra)
      let hasData = isFileOpen
      try endData()
      return (outcome, hasData)
    } catch {
      throw files.limit ?? .names
    }
  }

  /// Finishes the tree. In memory, a failure that is not the image's fault is an exceeded limit.
  package mutating func end() throws(InspectionLimit) {
    do throws(UnpackFailure) { try finish() } catch { throw files.limit ?? .names }
  }
}
