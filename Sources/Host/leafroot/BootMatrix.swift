// SPDX-License-Identifier: MIT

import Files
import FoundationEssentials
import Packing
import SystemPackage

/// The file of `leafroot matrix`: blocks, each the product of its kernels, images, sizes of
/// memory and kernel parameters.
struct BootMatrix: Decodable {
  /// What a boot should be, as it stands in the file.
  enum Expectation: String, CaseIterable {
    case asPromised = "as promised"
    case notAsPromised = "not as promised"
    case unchecked = "no check"
    case failedCommand = "command fails"

    /// The exit status of a single boot that is so.
    var status: Int32 {
      switch self {
      case .asPromised: 0
      case .notAsPromised: 1
      case .unchecked: 2
      case .failedCommand: 3
      }
    }

    init(status: Int32) { self = Self.allCases.first { $0.status == status } ?? .unchecked }
  }

  /// One boot.
  struct Case: Sendable {
    let kernel: String
    let arch: Architecture?
    let images: [String]
    let memory: ByteSize
    let append: String?
    let stock: Bool
    let cpus: Int
    let timeout: Double
    let command: [String]
    let expectation: Expectation

    /// The kernel, as a row of the table and a class of JUnit name it.
    var kernelName: String { arch.map { "\(kernel) \($0)" } ?? kernel }
    /// The images, by the last component of their names.
    var imageNames: String {
      images.map { FilePath($0).lastComponent?.string ?? $0 }.joined(separator: " + ")
    }
    /// The kernel parameters that the case has besides those that request the leaf.
    var words: String {
      ((stock ? ["--stock"] : []) + (append.map { [$0] } ?? [])).joined(separator: " ")
    }

    var name: String {
      [imageNames, "\(memory)", words].filter { !$0.isEmpty }.joined(separator: " ")
    }
  }

  private let blocks: [MatrixBlock]

  /// Reads the file at `path`.
  /// - Throws: ``FileError`` with the place of what is wrong.
  init(_ path: FilePath) throws(FileError) {
    let bytes = try InputFile(path).bytes()
    guard !bytes.isEmpty else { throw FileError(path, "is empty") }
    let decoder = JSONDecoder()
    decoder.allowsJSON5 = true
    do {
      self = try decoder.decode(BootMatrix.self, from: Data(bytes))
    } catch let error as DecodingError {
      throw FileError(path, error.place)
    } catch {
      throw FileError(path, "\(error)")
    }
  }

  init(from decoder: any Decoder) throws {
    let fields = try MatrixFields(decoder, known: ["cases"])
    blocks = try fields.required("cases", [MatrixBlock].self, "a list of objects")
    if blocks.isEmpty { throw fields.wrong("cases", "an empty list", "a list of objects") }
  }

  /// The boots, in the order of the file.
  /// - Parameter options: what a block does not name.
  func cases(_ options: MachineOptions, _ command: [String]) -> [Case] {
    blocks.flatMap { $0.cases(options, command) }
  }
}

/// A block of the file: the product of its lists.
private struct MatrixBlock: Decodable {
  private let kernels: [String]
  private let images: [MatrixImages]
  private let memory: [ByteSize]?
  private let append: [String]?
  private let arch: [Architecture]?
  private let command: [String]?
  private let stock: Bool?
  private let cpus: Int?
  private let timeout: Double?
  private let expectation: BootMatrix.Expectation

  init(from decoder: any Decoder) throws {
    let fields = try MatrixFields(
      decoder,
      known: [
        "kernels", "images", "memory", "append", "arch", "command", "stock", "cpus", "timeout",
        "expect",
      ])
    kernels = try fields.required("kernels", [String].self, "a list of kernels")
    images = try fields.required(
      "images", [MatrixImages].self, "a list of files, or of lists of files")
    memory = try fields.list("memory", "sizes such as \"512M\"") { ByteSize(argument: $0) }
    append = try fields.list("append", "strings") { $0 }
    arch = try fields.list("arch", "x86_64, aarch64 or riscv64") { Architecture(rawValue: $0) }
    command = try fields.optional("command", [String].self, "a list of words")
    stock = try fields.optional("stock", Bool.self, "true or false")
    cpus = try fields.optional("cpus", Int.self, "a number from 1 on")
    timeout = try fields.optional("timeout", Double.self, "seconds, from 0.1 to 1000000")
    let text = try fields.optional("expect", String.self, "a string") ?? "as promised"
    guard let expectation = BootMatrix.Expectation(rawValue: text) else {
      let known = BootMatrix.Expectation.allCases.map { "\"\($0.rawValue)\"" }
      throw fields.wrong("expect", "\"\(text)\"", known.joined(separator: ", "))
    }
    self.expectation = expectation

    for (key, isEmpty) in [("kernels", kernels.isEmpty), ("images", images.isEmpty)] where isEmpty {
      throw fields.wrong(key, "an empty list", "at least one")
    }
    if let cpus, cpus < 1 { throw fields.wrong("cpus", "\(cpus)", "a number from 1 on") }
    if let timeout, !MachineOptions.timeouts.contains(timeout) {
      throw fields.wrong("timeout", "\(timeout)", "seconds, from 0.1 to 1000000")
    }
  }

  func cases(_ options: MachineOptions, _ command: [String]) -> [BootMatrix.Case] {
    var cases: [BootMatrix.Case] = []
    let architectures: [Architecture?] = arch ?? [options.arch]
    let sizes = memory ?? [options.memory ?? .ofBoot]
    let parameters: [String?] = append ?? [options.append]
    for kernel in kernels {
      for architecture in architectures {
        for images in images {
          for size in sizes {
            for words in parameters {
              cases.append(
                BootMatrix.Case(
                  kernel: kernel, arch: architecture, images: images.paths, memory: size,
                  append: words.flatMap { $0.isEmpty ? nil : $0 }, stock: stock ?? options.stock,
                  cpus: cpus ?? options.cpus, timeout: timeout ?? options.timeout,
                  command: self.command ?? command, expectation: expectation))
            }
          }
        }
      }
    }
    return cases
  }
}

/// The images of one boot: a name, or a list of names.
private struct MatrixImages: Decodable {
  let paths: [String]

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let path = try? container.decode(String.self) {
      paths = [path]
    } else if let paths = try? container.decode([String].self), !paths.isEmpty {
      self.paths = paths
    } else {
      throw DecodingError(
        container.codingPath, try container.decode(MatrixValue.self).description,
        "a file, or a list of files")
    }
  }
}
