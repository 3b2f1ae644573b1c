// SPDX-License-Identifier: MIT

import Testing

@testable import bench

/// Tables for people and for documents.
@Suite struct DocumentTests {
  @Test func `a bar in a cell does not end it, and an empty cell has one blank`() {
    let table = markdownTable(["", "real init"], [["tar | tar", ""]], areNumbers: true)
    #expect(table == "| | real init |\n|---|--:|\n| tar \\| tar | |\n")
  }
}
