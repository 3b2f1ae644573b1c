// SPDX-License-Identifier: MIT

extension Array {
  /// All elements in `make proof`, and every `step`-th in `make test`.
  func sample(every step: Int) -> [Element] {
    StockKernel.areAllChosen ? self : stride(from: 0, to: count, by: step).map { self[$0] }
  }
}
