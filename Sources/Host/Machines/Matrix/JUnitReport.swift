// SPDX-License-Identifier: MIT

import SystemPackage

extension MatrixReport {
  /// JUnit's XML, as CI systems read it (junit-10.xsd of Jenkins' xUnit plugin): a test suite with
  /// a case for each boot.
  public func junit() -> String {
    let time = hundredths(results.reduce(0) { $0 + $1.seconds })
    let counts = "tests=\"\(results.count)\" failures=\"\(failures)\" errors=\"\(errors)\""
    var lines = ["<?xml version=\"1.0\" encoding=\"UTF-8\"?>"]
    lines.append("<testsuites name=\"leafroot matrix\" \(counts) time=\"\(time)\">")
    lines.append(
      "<testsuite name=\"\(xml(file.string))\" \(counts) skipped=\"0\" time=\"\(time)\">")
    lines += results.map(testCase)
    return (lines + ["</testsuite>", "</testsuites>", ""]).joined(separator: "\n")
  }

  private func testCase(_ result: MatrixResult) -> String {
    let boot = result.boot
    var lines = [
      "<testcase classname=\"\(xml(boot.kernelName))\" name=\"\(xml(boot.name))\" "
        + "time=\"\(hundredths(result.seconds))\">"
    ]
    if !result.isExpected {
      let element = result.status == nil ? "error" : "failure"
      let message = "\(result.summary), expected: \(boot.expectation.rawValue)"
      lines.append(
        "<\(element) type=\"\(result.mark)\" message=\"\(xml(message))\">\(xml(result.details))"
          + "</\(element)>")
    }
    if !result.console.isEmpty {
      lines.append("<system-out>\(xml(result.console.joined(separator: "\n")))</system-out>")
    }
    return (lines + ["</testcase>"]).joined(separator: "\n")
  }
}

/// `text` for an attribute or element. Characters that XML 1.0 does not allow (production 2) become
/// U+FFFD.
private func xml(_ text: String) -> String {
  var escaped = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": escaped += "&amp;"
    case "<": escaped += "&lt;"
    case ">": escaped += "&gt;"
    case "\"": escaped += "&quot;"
    case "\n", "\t": escaped.unicodeScalars.append(scalar)
    case "\r": escaped += "&#13;"
    case "\0"..<" ", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": escaped += "\u{FFFD}"
    default: escaped.unicodeScalars.append(scalar)
    }
  }
  return escaped
}
