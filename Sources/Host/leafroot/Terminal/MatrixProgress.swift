// SPDX-License-Identifier: MIT

import Machines
import Synchronization

/// Shows the progress of a matrix on standard error, with a line for each boot that has ended.
final class MatrixProgress: Sendable {
  private let line: ProgressLine
  private let count: Int
  private let done = Mutex(0)
  private let start = ContinuousClock.now

  init(count: Int, jobs: Int, line: ProgressLine = ProgressLine()) {
    self.count = count
    self.line = line
    line.begin("\(count) boots, \(jobs) at a time")
  }

  func update(_ progress: Run.Progress, of boot: BootMatrix.Case) {
    done.withLock { done in
      line.update(
        progress.lastLine, after: .now - start,
        label: "\(done)/\(count)  \(boot.kernelName) \(boot.name)  ")
    }
  }

  func note(_ result: MatrixResult) {
    done.withLock { done in
      done += 1
      line.end()
      line.begin(
        "\(done)/\(count) \(result.mark): \(result.boot.kernelName) \(result.boot.name): "
          + result.summary)
    }
  }

  func end() { done.withLock { _ in line.end() } }
}
