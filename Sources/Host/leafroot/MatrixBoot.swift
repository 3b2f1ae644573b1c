// SPDX-License-Identifier: MIT

import Files
import Images
import Machines
import SystemPackage

/// The boots of a matrix, some at a time.
struct MatrixBoot: Sendable {
  let file: FilePath
  let options: MachineOptions
  let command: [String]
  /// Where JUnit's report goes, if anywhere.
  let junit: FilePath?
  let jobs: Int

  /// Kernels and images that cases have in common, by their names.
  private typealias Kernels = [String: Result<Kernel, FileError>]
  private typealias Images = [String: Result<Image, FileError>]

  /// - Returns: the exit status.
  func run() async throws -> Int32 {
    let cases = try BootMatrix(file).cases(options, command)
    // Not after an hour of boots.
    if let junit { _ = try OutputFile(junit) }

    let kernels = try await kernels(of: cases)
    let images = try images(of: cases)
    let progress = MatrixProgress(count: cases.count, jobs: min(jobs, cases.count))
    let results = try await boot(cases, kernels, images, progress)
    let report = MatrixReport(file: file, results: results)
    if let junit { try OutputFile.write(Array(report.junit().utf8), to: junit) }
    try Output.print(report.table())
    return report.status
  }

  /// Each kernel, fetched or read once.
  private func kernels(of cases: [BootMatrix.Case]) async throws -> Kernels {
    var kernels = Kernels()
    for boot in cases where kernels[boot.kernelName] == nil {
      let isFile = !boot.kernel.hasPrefix("debian:")
      let name = KernelName(text: isFile ? path(boot.kernel).string : boot.kernel)
      do {
        kernels[boot.kernelName] = .success(try await name.kernel(for: boot.arch))
      } catch let error as FileError {
        try Task.checkCancellation()
        kernels[boot.kernelName] = .failure(error)
      }
    }
    return kernels
  }

  /// Each image, opened once.
  private func images(of cases: [BootMatrix.Case]) throws -> Images {
    var images = Images()
    for name in cases.flatMap(\.images) where images[name] == nil {
      do {
        let image = try Image(InputFile(path(name)))
        try MachineOptions.warn(of: [image])
        images[name] = .success(image)
      } catch let error as FileError {
        images[name] = .failure(error)
      }
    }
    return images
  }

  /// A name in the file is relative to the file's directory.
  private func path(_ name: String) -> FilePath {
    file.removingLastComponent().pushing(FilePath(name))
  }

  private func boot(
    _ cases: [BootMatrix.Case], _ kernels: Kernels, _ images: Images, _ progress: MatrixProgress
  ) async throws -> [MatrixResult] {
    defer { progress.end() }
    return try await cases.concurrentMap(atMost: jobs) { boot in
      let result = try await self.boot(
        boot, kernels[boot.kernelName], boot.images.compactMap { images[$0] }, progress)
      progress.note(result)
      return result
    }
  }

  /// A boot that cannot be made is a result, too: the others are made.
  /// - Throws: `CancellationError`.
  private func boot(
    _ boot: BootMatrix.Case, _ kernel: Result<Kernel, FileError>?,
    _ images: [Result<Image, FileError>], _ progress: MatrixProgress
  ) async throws -> MatrixResult {
    let start = ContinuousClock.now
    do {
      guard let kernel else { throw CancellationError() }
      return try await self.boot(boot, kernel.get(), images.map { try $0.get() }, progress)
    } catch let error as FileError {
      try Task.checkCancellation()
      return MatrixResult(boot, error, seconds: (.now - start) / .seconds(1))
    }
  }

  private func boot(
    _ boot: BootMatrix.Case, _ kernel: Kernel, _ images: [Image], _ progress: MatrixProgress
  ) async throws -> MatrixResult {
    let directory = try RunDirectory.temporary()
    do {
      var options = options
      options.append = boot.append
      options.stock = boot.stock
      options.cpus = boot.cpus
      options.timeout = boot.timeout
      let machine = try options.machine(
        images, boot.command, kernel, boot.memory, in: directory)
      let run = try await machine.run(
        log: directory.log, onProgress: { progress.update($0, of: boot) })
      let verdict = Verdict(run)
      let isExpected = verdict.exitStatus == boot.expectation.status
      if isExpected { directory.remove() } else { directory.keep() }
      return MatrixResult(boot, verdict, run, directory: isExpected ? nil : directory.path)
    } catch {
      directory.remove()
      throw error
    }
  }
}
