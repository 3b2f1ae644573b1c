// SPDX-License-Identifier: MIT

/// The fields of an object of the matrix file: unknown ones and wrong types are errors that name
/// the place, what is there, and what was expected.
struct MatrixFields {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  private let container: KeyedDecodingContainer<Key>

  init(_ decoder: any Decoder, known: [String]) throws {
    do {
      container = try decoder.container(keyedBy: Key.self)
    } catch DecodingError.typeMismatch {
      throw DecodingError(
        decoder.codingPath, try MatrixValue(from: decoder).description, "an object")
    }
    let names = container.allKeys.map(\.stringValue).sorted()
    if let unknown = names.first(where: { !known.contains($0) }) {
      throw wrong(unknown, "an unknown key", known.joined(separator: ", "))
    }
  }

  /// The error for the value of a key.
  func wrong(_ key: String, _ found: String, _ expected: String) -> DecodingError {
    DecodingError(container.codingPath + [Key(key)], found, expected)
  }

  func required<Value: Decodable>(
    _ key: String, _ type: Value.Type, _ expected: String
  ) throws -> Value {
    guard let value = try optional(key, type, expected) else {
      throw wrong(key, "nothing", expected)
    }
    return value
  }

  func optional<Value: Decodable>(
    _ key: String, _ type: Value.Type, _ expected: String
  ) throws -> Value? {
    guard container.contains(Key(key)) else { return nil }
    do {
      return try container.decode(type, forKey: Key(key))
    } catch DecodingError.typeMismatch(_, let context) {
      throw try wrong(key, context.codingPath, expected)
    } catch DecodingError.valueNotFound(_, let context) {
      throw try wrong(key, context.codingPath, expected)
    } catch let error as DecodingError {
      throw error
    } catch {
      // Foundation's own, of a number that is none of this type; it has no path.
      throw try wrong(key, container.codingPath + [Key(key)], expected)
    }
  }

  /// A list of strings, each of which means a value.
  func list<Value>(
    _ key: String, _ expected: String, _ value: (String) -> Value?
  ) throws -> [Value]? {
    guard let texts = try optional(key, [String].self, "a list of \(expected)") else { return nil }
    guard !texts.isEmpty else { throw wrong(key, "an empty list", expected) }
    return try texts.map { text in
      guard let value = value(text) else { throw wrong(key, "\"\(text)\"", expected) }
      return value
    }
  }

  /// The error for what is at `path`, the value of a key or a part of it.
  private func wrong(
    _ key: String, _ path: [any CodingKey], _ expected: String
  ) throws -> DecodingError {
    let value = try container.decode(MatrixValue.self, forKey: Key(key))
    let found = value.value(at: path.dropFirst(container.codingPath.count + 1))
    return DecodingError(path, found.description, expected)
  }
}

extension DecodingError.Context {
  /// Whether it says what was found, and what was expected.
  fileprivate var isOurs: Bool { debugDescription.hasPrefix("found ") }
}

extension DecodingError {
  /// The error for what was found at `path`.
  init(_ path: [any CodingKey], _ found: String, _ expected: String) {
    self = .dataCorrupted(
      .init(codingPath: path, debugDescription: "found \(found), expected \(expected)"))
  }

  /// The place as `cases[0].memory`, and what is wrong there.
  var place: String {
    guard case .dataCorrupted(let context) = self else { return "\(self)" }
    var path = ""
    for key in context.codingPath {
      if let index = key.intValue {
        path += "[\(index)]"
      } else {
        path += (path.isEmpty ? "" : ".") + key.stringValue
      }
    }
    // Where the syntax is wrong, Foundation says on macOS only: elsewhere its error has no cause.
    if path.isEmpty, !context.isOurs { return "is not JSON or JSON5" }
    return path.isEmpty ? context.debugDescription : "\(path): \(context.debugDescription)"
  }
}
