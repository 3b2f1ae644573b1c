// SPDX-License-Identifier: MIT

import Files
import FoundationEssentials
import SystemPackage

/// A value in a JSON or JSON5 file, and its place there. Mistakes become errors that name the
/// place, what was found and what was expected.
struct JSONValue: Decodable {
  private enum Content {
    case null
    case bool(Bool)
    /// nil if the number is out of range.
    case number(Double?)
    case string(String)
    case list([JSONValue])
    case object([String: JSONValue])
  }

  /// A key of any name.
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// An unexpected value.
  struct Mismatch: Error, CustomStringConvertible {
    /// The place, such as `cases[0].memory`; empty for the whole file.
    let place: String
    let found: String
    let expected: String

    var description: String {
      (place.isEmpty ? "" : "\(place): ") + "found \(found), expected \(expected)"
    }
  }

  private let place: String
  private let content: Content

  /// Reads the file at `path`.
  /// - Throws: ``FileError``.
  init(_ path: FilePath) throws(FileError) {
    let bytes = try InputFile(path).bytes()
    guard !bytes.isEmpty else { throw FileError(path, "is empty") }
    let decoder = JSONDecoder()
    decoder.allowsJSON5 = true
    // Foundation reports the place of a syntax error on macOS only.
    guard let value = try? decoder.decode(JSONValue.self, from: Data(bytes)) else {
      throw FileError(path, "is not JSON or JSON5")
    }
    self = value
  }

  init(from decoder: any Decoder) throws {
    place = decoder.codingPath.reduce("") { place, key in
      if let index = key.intValue { return "\(place)[\(index)]" }
      return place.isEmpty ? key.stringValue : "\(place).\(key.stringValue)"
    }
    if let object = try? decoder.container(keyedBy: Key.self) {
      let fields = try object.allKeys.map {
        ($0.stringValue, try object.decode(JSONValue.self, forKey: $0))
      }
      content = .object(Dictionary(fields, uniquingKeysWith: { $1 }))
      return
    }
    if var list = try? decoder.unkeyedContainer() {
      var values: [JSONValue] = []
      while !list.isAtEnd { values.append(try list.decode(JSONValue.self)) }
      content = .list(values)
      return
    }
    let scalar = try decoder.singleValueContainer()
    if scalar.decodeNil() {
      content = .null
    } else if let bool = try? scalar.decode(Bool.self) {
      content = .bool(bool)
    } else if let string = try? scalar.decode(String.self) {
      content = .string(string)
    } else {
      content = .number(try? scalar.decode(Double.self))
    }
  }

  var bool: Bool? { if case .bool(let bool) = content { bool } else { nil } }
  var number: Double? { if case .number(let number) = content { number } else { nil } }
  var string: String? { if case .string(let string) = content { string } else { nil } }
  var list: [JSONValue]? { if case .list(let values) = content { values } else { nil } }

  /// The value's description in errors.
  private var found: String {
    switch content {
    case .null: "null"
    case .bool(let bool): "\(bool)"
    case .number(nil): "a number out of range"
    case .number(let number?): Int(exactly: number).map { "\($0)" } ?? "\(number)"
    case .string(let string): "\"\(string)\""
    case .list(let values): values.isEmpty ? "an empty list" : "a list"
    case .object: "an object"
    }
  }

  /// An error about this value.
  func mismatch(_ expected: String) -> Mismatch {
    Mismatch(place: place, found: found, expected: expected)
  }

  /// The result of `read` for the value.
  func value<Value>(
    _ expected: String, _ read: (JSONValue) -> Value?
  ) throws(Mismatch) -> Value {
    guard let value = read(self) else { throw mismatch(expected) }
    return value
  }

  /// The results of `read` for each value of a list.
  func values<Value>(
    _ expected: String, of element: String, _ read: (JSONValue) -> Value?
  ) throws(Mismatch) -> [Value] {
    guard let list else { throw mismatch(expected) }
    return try list.map { value throws(Mismatch) in try value.value(element, read) }
  }

  /// The fields of an object, which may have no others than `known`.
  func fields(_ known: [String]) throws(Mismatch) -> [String: JSONValue] {
    guard case .object(let fields) = content else { throw mismatch("an object") }
    if let unknown = fields.keys.sorted().first(where: { !known.contains($0) }) {
      throw mismatch(at: unknown, found: "an unknown key", known.joined(separator: ", "))
    }
    return fields
  }

  /// An error about a key of this object.
  func mismatch(at key: String, found: String, _ expected: String) -> Mismatch {
    Mismatch(place: place.isEmpty ? key : "\(place).\(key)", found: found, expected: expected)
  }
}
