// SPDX-License-Identifier: MIT

public import Files
public import Packing
public import SystemPackage

/// The boots that a file describes, in blocks; each block is the product of its kernels, images,
/// memory sizes and kernel parameters.
public struct BootMatrix: Sendable {
  /// The expected result of a boot, as written in the file.
  public enum Expectation: String, CaseIterable, Sendable {
    case asPromised = "as promised"
    case notAsPromised = "not as promised"
    case unchecked = "no check"
    case failedCommand = "command fails"

    /// The ``Verdict/exitStatus`` of a boot with this result.
    var status: Int32 {
      switch self {
      case .asPromised: 0
      case .notAsPromised: 1
      case .unchecked: 2
      case .failedCommand: 3
      }
    }
  }

  /// One boot.
  public struct Case: Sendable {
    let kernel: String
    let architecture: Architecture?
    let images: [String]
    let settings: BootSettings
    let expectation: Expectation

    /// The kernel's name in the table, and the class name in JUnit.
    public var kernelName: String { architecture.map { "\(kernel) \($0)" } ?? kernel }
    /// The last components of the images' names.
    var imageNames: String {
      images.map { FilePath($0).lastComponent?.string ?? $0 }.joined(separator: " + ")
    }
    /// The case's own kernel parameters, besides those that request the leaf.
    var parameters: String {
      ((settings.isStock ? ["--stock"] : []) + (settings.append.map { [$0] } ?? []))
        .joined(separator: " ")
    }

    /// The name of the test case in JUnit: everything but the kernel.
    public var name: String {
      [imageNames, "\(settings.memory)", parameters].filter { !$0.isEmpty }
        .joined(separator: " ")
    }
  }

  /// The boots, in the order of the file.
  public let cases: [Case]

  /// Reads the file at `path`.
  /// - Parameters:
  ///   - settings: The defaults for what a block does not set.
  ///   - architecture: The default for the kernels' architecture; nil for any.
  /// - Throws: ``FileError`` with the place of the mistake.
  public init(
    _ path: FilePath, settings: BootSettings, architecture: Architecture?
  ) throws(FileError) {
    let file = try JSONValue(path)
    do {
      let expected = "a list of objects"
      guard let blocks = try file.fields(["cases"])["cases"] else {
        throw file.mismatch(at: "cases", found: "nothing", expected)
      }
      guard let values = blocks.list, !values.isEmpty else { throw blocks.mismatch(expected) }
      cases = try values.flatMap { try MatrixBlock($0, settings, architecture).cases }
    } catch {
      throw FileError(path, "\(error)")
    }
  }
}

/// A block of the file: the product of its lists.
private struct MatrixBlock {
  private let kernels: [String]
  private let images: [[String]]
  private let memory: [ByteSize]
  private let append: [String?]
  private let architectures: [Architecture?]
  private let settings: BootSettings
  private let expectation: BootMatrix.Expectation

  init(
    _ block: JSONValue, _ settings: BootSettings, _ architecture: Architecture?
  ) throws(JSONValue.Mismatch) {
    let fields = try block.fields([
      "kernels", "images", "memory", "append", "arch", "command", "stock", "cpus", "timeout",
      "expect",
    ])
    func list<Value>(
      _ key: String, _ expected: String, of element: String, _ read: (JSONValue) -> Value?
    ) throws(JSONValue.Mismatch) -> [Value]? {
      guard let field = fields[key] else { return nil }
      let values = try field.values(expected, of: element, read)
      guard !values.isEmpty else { throw field.mismatch(expected) }
      return values
    }
    func required<Value>(
      _ key: String, _ expected: String, of element: String, _ read: (JSONValue) -> Value?
    ) throws(JSONValue.Mismatch) -> [Value] {
      guard let values = try list(key, expected, of: element, read) else {
        throw block.mismatch(at: key, found: "nothing", expected)
      }
      return values
    }
    kernels = try required("kernels", "a list of kernels", of: "a string", \.string)
    images = try required(
      "images", "a list of files, or of lists of files", of: "a file, or a list of files",
      Self.images)
    memory =
      try list("memory", "a list of sizes such as \"512M\"", of: "a size such as \"512M\"") {
        $0.string.flatMap { ByteSize($0) }
      } ?? [settings.memory]
    append =
      try list("append", "a list of strings", of: "a string", \.string)?
      .map { $0.isEmpty ? nil : $0 } ?? [settings.append]
    let named: [Architecture]? = try list(
      "arch", "a list of architectures", of: "x86_64, aarch64 or riscv64"
    ) { $0.string.flatMap { Architecture(rawValue: $0) } }
    architectures = named ?? [architecture]

    var settings = settings
    if let field = fields["command"] {
      settings.command = try field.values("a list of words", of: "a string", \.string)
    }
    if let field = fields["stock"] {
      settings.isStock = try field.value("true or false", \.bool)
    }
    if let field = fields["cpus"] {
      settings.cpus = try field.value("a number from 1 on") { value in
        value.number.flatMap { Int(exactly: $0) }.flatMap { $0 < 1 ? nil : $0 }
      }
    }
    if let field = fields["timeout"] {
      settings.timeout = try field.value("seconds, from 0.1 to 1000000") { value in
        value.number.flatMap { BootSettings.timeouts.contains($0) ? $0 : nil }
      }
    }
    self.settings = settings

    let known = BootMatrix.Expectation.allCases.map { "\"\($0.rawValue)\"" }
    expectation =
      try fields["expect"]?.value(known.joined(separator: ", ")) { value in
        value.string.flatMap { BootMatrix.Expectation(rawValue: $0) }
      } ?? .asPromised
  }

  /// The images of one boot: a name, or a list of names.
  private static func images(_ value: JSONValue) -> [String]? {
    if let name = value.string { return [name] }
    guard let list = value.list, !list.isEmpty else { return nil }
    let names = list.compactMap(\.string)
    return names.count == list.count ? names : nil
  }

  var cases: [BootMatrix.Case] {
    var cases: [BootMatrix.Case] = []
    for kernel in kernels {
      for architecture in architectures {
        for images in images {
          for memory in memory {
            for append in append {
              var settings = settings
              settings.memory = memory
              settings.append = append
              cases.append(
                BootMatrix.Case(
                  kernel: kernel, architecture: architecture, images: images, settings: settings,
                  expectation: expectation))
            }
          }
        }
      }
    }
    return cases
  }
}
