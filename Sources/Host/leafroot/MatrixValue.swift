// SPDX-License-Identifier: MIT

/// A value of the matrix file, whatever it is, as an error names it.
enum MatrixValue: Decodable, CustomStringConvertible {
  /// As it stands in the file.
  case scalar(String)
  case list([MatrixValue])
  case object

  init(from decoder: any Decoder) throws {
    if let list = try? [MatrixValue](from: decoder) {
      self = .list(list)
      return
    }
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .scalar("null")
    } else if let text = try? container.decode(String.self) {
      self = .scalar("\"\(text)\"")
    } else if let bool = try? container.decode(Bool.self) {
      self = .scalar("\(bool)")
    } else if let number = try? container.decode(Int.self) {
      self = .scalar("\(number)")
    } else if let number = try? container.decode(Double.self) {
      self = .scalar("\(number)")
    } else {
      self = .object
    }
  }

  var description: String {
    switch self {
    case .scalar(let text): text
    case .list(let values): values.isEmpty ? "an empty list" : "a list"
    case .object: "an object"
    }
  }

  /// What is at `path` in it.
  func value(at path: some Collection<any CodingKey>) -> MatrixValue {
    guard case .list(let values) = self, let index = path.first?.intValue,
      values.indices.contains(index)
    else { return self }
    return values[index].value(at: path.dropFirst())
  }
}
