// SPDX-License-Identifier: MIT

import Testing

@testable import leafroot

@Suite struct ListerTests {
  @Test(arguments: [
    (0, "1970-01-01"), (58, "1970-02-28"), (59, "1970-03-01"), (789, "1972-02-29"),
    (11016, "2000-02-29"), (11017, "2000-03-01"), (10956, "1999-12-31"), (49710, "2106-02-07"),
    (47540, "2100-02-28"), (47541, "2100-03-01"),
  ])
  func `days are dates of the Gregorian calendar`(day: Int, date: String) {
    #expect(String(decoding: Lister.date(day), as: UTF8.self) == date + " ")
  }
}
