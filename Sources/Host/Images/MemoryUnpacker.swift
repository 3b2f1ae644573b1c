// SPDX-License-Identifier: MIT

package import Initramfs

extension Unpacker<MemoryTree> {
  /// Applies a record.
  /// - Returns: what it has done, and whether the kernel reads its data. That is taken for written.
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

  /// Ends the tree. What is no fault of the image, in memory, is an limit.
  package mutating func end() throws(InspectionLimit) {
    do throws(UnpackFailure) { try finish() } catch { throw files.limit ?? .names }
  }
}
