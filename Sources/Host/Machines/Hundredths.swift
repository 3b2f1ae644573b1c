// SPDX-License-Identifier: MIT

/// Formats `seconds` with two decimals, the precision of the guest's clock.
func hundredths(_ seconds: Double) -> String {
  let hundredths = Int((seconds * 100).rounded())
  let fraction = hundredths % 100
  return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
}
