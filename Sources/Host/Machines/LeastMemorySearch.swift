// SPDX-License-Identifier: MIT

public import SystemPackage

/// A search for the least memory with which a machine does what is asked of it.
public struct LeastMemorySearch: Sendable {
  /// What may be tried, in MiB.
  public var bounds: ClosedRange<Int>
  /// Its multiples are tried, in MiB.
  public var step: Int

  /// A search among the multiples of `step` within `bounds`.
  public init(within bounds: ClosedRange<Int> = 32...2048, step: Int = 4) {
    precondition(step > 0 && bounds.lowerBound > 0, "memory is above 0")
    self.bounds = bounds
    self.step = step
  }

  /// Finds the least memory that is enough, by bisection: less was tried and is not, unless it is
  /// out of bounds.
  ///
  /// - Parameter isEnough: whether so many MiB are; called once for each.
  /// - Returns: nil if nothing within the bounds is.
  public func find<Failure: Error>(
    where isEnough: (_ mebibytes: Int) async throws(Failure) -> Bool
  ) async throws(Failure) -> Int? {
    var tried = (bounds.lowerBound + step - 1) / step..<bounds.upperBound / step + 1
    var least: Int?
    while !tried.isEmpty {
      let middle = tried.lowerBound + tried.count / 2
      if try await isEnough(middle * step) {
        least = middle * step
        tried = tried.lowerBound..<middle
      } else {
        tried = middle + 1..<tried.upperBound
      }
    }
    return least
  }

  /// Finds the least memory with which `machine` boots as it should.
  ///
  /// - Parameters:
  ///   - log: The console is written here, of one boot after another.
  ///   - accelerator: nil for the best that serves a guest.
  ///   - isEnough: Whether a boot was as it should be. Default: the kernel unpacked all of the
  ///     initramfs, and the check ran.
  ///   - onProgress: Called about four times a second.
  ///   - onBoot: Called after each boot.
  /// - Throws: what ``Machine/run(log:accelerator:relay:onOutput:onProgress:)`` throws.
  public func find(
    for machine: Machine, log: FilePath, accelerator: Machine.Accelerator? = nil,
    isEnough: (Verdict) -> Bool = { $0.reachedCheckWhole },
    onProgress: @escaping @Sendable (_ mebibytes: Int, Run.Progress) -> Void = { _, _ in },
    onBoot: (_ mebibytes: Int, Verdict) -> Void = { _, _ in }
  ) async throws -> Int? {
    try await find { mebibytes in
      var machine = machine
      machine.memory = mebibytes
      let run = try await machine.run(
        log: log, accelerator: accelerator, onProgress: { onProgress(mebibytes, $0) })
      let verdict = Verdict(run)
      onBoot(mebibytes, verdict)
      return isEnough(verdict)
    }
  }
}
