// SPDX-License-Identifier: MIT

import Machines
import Packing
import Synchronization
import SystemPackage

/// A kernel as the user names it: a file, or `debian:SERIES`, which is fetched.
struct KernelName: Sendable {
  let text: String

  /// Returns the kernel's file.
  /// - Parameter architecture: The required one; nil for any architecture of a file, and for this
  ///   machine's with a name.
  /// - Throws: ``FileError``; `CancellationError`.
  func file(for architecture: Architecture? = nil) async throws -> FilePath {
    guard let kernel = try DebianKernel(text, for: architecture) else { return FilePath(text) }

    let line = ProgressLine()
    defer { line.end() }
    let step = Mutex("")
    return try await kernel.fetch(with: Installation.fetchKernels) { progress in
      switch progress {
      case .step(let text):
        step.withLock { $0 = text }
        line.step(text)
      case .percent(let percent):
        let bar = ReadingProgress.bar(Int64(percent), of: 100)
        line.update(bar, after: .zero, label: step.withLock { "\($0)  " })
      }
    }
  }

  /// Returns the kernel.
  func kernel(for architecture: Architecture?) async throws -> Kernel {
    try Kernel(try await file(for: architecture), for: architecture)
  }
}
