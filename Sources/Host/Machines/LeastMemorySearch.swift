// SPDX-License-Identifier: MIT

public import SystemPackage

/// A search for the least memory with which a machine boots as required.
public struct LeastMemorySearch: Sendable {
  /// The bounds in MiB.
  public var bounds: ClosedRange<Int>
  /// The step in MiB: only its multiples are tried.
  public var step: Int

  /// Creates a search among the multiples of `step` within `bounds`.
  public init(within bounds: ClosedRange<Int> = 32...2048, step: Int = 4) {
    precondition(step > 0 && bounds.lowerBound > 0, "memory is above 0")
    self.bounds = bounds
    self.step = step
  }

  /// Finds the least memory that is enough, by bisection. The next smaller multiple has been tried
  /// and is not enough, unless it is out of bounds.
  ///
  /// - Parameter isEnough: Whether this many MiB are enough; called at most once per amount.
  /// - Returns: The least memory in MiB; nil if nothing within the bounds is enough.
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

  /// Finds the least memory, in MiB, with which `machine` boots as required.
  ///
  /// - Parameters:
  ///   - log: The file for the console, overwritten by each boot.
  ///   - accelerator: nil for the best one that can run the guest.
  ///   - isEnough: Whether a boot met the requirements. By default, the kernel must have unpacked
  ///     the whole initramfs, and the check must have run.
  ///   - onProgress: Called about four times a second.
  ///   - onBoot: Called after each boot.
  /// - Throws: What ``Machine/run(log:accelerator:relay:onOutput:onProgress:)`` throws.
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
