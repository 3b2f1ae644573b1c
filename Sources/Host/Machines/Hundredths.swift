// SPDX-License-Identifier: MIT

/// With two decimals: the guest's clock has no more.
func hundredths(_ seconds: Double) -> String {
  let hundredths = Int((seconds * 100).rounded())
  let fraction = hundredths % 100
  return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
}
