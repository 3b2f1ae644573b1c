// SPDX-License-Identifier: MIT

import Files
public import Images
public import Packing
public import SystemPackage

/// Runs the boots of a matrix, several at a time.
public struct MatrixRunner: Sendable {
  private let matrix: BootMatrix
  private let directory: FilePath
  private let kernel: @Sendable (String, Architecture?) async throws -> Kernel
  private let program: @Sendable (Architecture) throws -> GuestInit

  /// Kernels and images that cases share, by their names.
  private typealias Kernels = [String: Result<Kernel, FileError>]
  private typealias Images = [String: Result<Image, FileError>]

  /// - Parameters:
  ///   - directory: The directory that file names in the matrix are relative to.
  ///   - kernel: Finds a kernel by its path or name; may fetch it.
  ///   - program: Finds the program that runs the check.
  public init(
    _ matrix: BootMatrix, in directory: FilePath,
    kernel: @escaping @Sendable (String, Architecture?) async throws -> Kernel,
    program: @escaping @Sendable (Architecture) throws -> GuestInit
  ) {
    self.matrix = matrix
    self.directory = directory
    self.kernel = kernel
    self.program = program
  }

  /// Runs the boots. A boot that cannot be run is also a result, and does not stop the others.
  ///
  /// - Parameters:
  ///   - jobs: The number of machines to run at a time.
  ///   - onImage: Called once for each image.
  ///   - onProgress: Called about four times a second for each machine.
  ///   - onResult: Called after each boot.
  /// - Returns: The results, in the order of the cases.
  /// - Throws: `CancellationError`.
  public func run(
    jobs: Int, onImage: (Image) throws -> Void,
    onProgress: @escaping @Sendable (Run.Progress, BootMatrix.Case) -> Void,
    onResult: @escaping @Sendable (MatrixResult) -> Void
  ) async throws -> [MatrixResult] {
    let kernels = try await kernels()
    let images = try images(onImage)
    return try await matrix.cases.concurrentMap(atMost: jobs) { boot in
      let result = try await result(
        of: boot, kernels[boot.kernelName], boot.images.compactMap { images[$0] }, onProgress)
      onResult(result)
      return result
    }
  }

  /// The kernels, each fetched or read once.
  private func kernels() async throws -> Kernels {
    var kernels = Kernels()
    for boot in matrix.cases where kernels[boot.kernelName] == nil {
      let isFile = !DebianKernel.isName(boot.kernel)
      do {
        kernels[boot.kernelName] = .success(
          try await kernel(isFile ? path(boot.kernel).string : boot.kernel, boot.architecture))
      } catch let error as FileError {
        try Task.checkCancellation()
        kernels[boot.kernelName] = .failure(error)
      }
    }
    return kernels
  }

  /// The images, each opened once.
  private func images(_ onImage: (Image) throws -> Void) throws -> Images {
    var images = Images()
    for name in matrix.cases.flatMap(\.images) where images[name] == nil {
      do {
        let image = try Image(InputFile(path(name)))
        try onImage(image)
        images[name] = .success(image)
      } catch let error as FileError {
        images[name] = .failure(error)
      }
    }
    return images
  }

  private func path(_ name: String) -> FilePath { directory.pushing(FilePath(name)) }

  private func result(
    of boot: BootMatrix.Case, _ kernel: Result<Kernel, FileError>?,
    _ images: [Result<Image, FileError>],
    _ onProgress: @escaping @Sendable (Run.Progress, BootMatrix.Case) -> Void
  ) async throws -> MatrixResult {
    let start = ContinuousClock.now
    do {
      guard let kernel else { throw CancellationError() }
      return try await result(
        of: boot, kernel.get(), images.map { try $0.get() }, onProgress: { onProgress($0, boot) })
    } catch let error as FileError {
      try Task.checkCancellation()
      return MatrixResult(boot, error, seconds: (.now - start) / .seconds(1))
    }
  }

  private func result(
    of boot: BootMatrix.Case, _ kernel: Kernel, _ images: [Image],
    onProgress: @escaping @Sendable (Run.Progress) -> Void
  ) async throws -> MatrixResult {
    let directory = try RunDirectory.temporary()
    do {
      let program = try program(kernel.architecture)
      let machine = try boot.settings.machine(images, kernel, program, in: directory)
      let run = try await machine.run(log: directory.log, onProgress: onProgress)
      var verdict = Verdict(run)
      if verdict.exitStatus == boot.expectation.status {
        directory.remove()
      } else {
        directory.keep()
        verdict.keep(directory.path, of: run)
      }
      return MatrixResult(boot, verdict, run.console)
    } catch {
      directory.remove()
      throw error
    }
  }
}
