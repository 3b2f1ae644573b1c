// SPDX-License-Identifier: MIT

/// A promised figure.
struct Budget: Encodable {
  let name: String
  let unit: String
  let measured: Double
  let allowed: Double
  /// The number of decimals to print.
  let digits: Int
  let isMet: Bool

  init(_ name: String, _ measured: Double, atMost allowed: Double, _ unit: String, digits: Int) {
    self.name = name
    self.unit = unit
    self.measured = measured
    self.allowed = allowed
    self.digits = digits
    isMet = measured <= allowed
  }
}

extension Results {
  /// The promises that this run can judge.
  var budgets: [Budget] { timeBudgets + memoryBudgets + packBudgets + otherBudgets }

  private var packBudgets: [Budget] {
    var budgets: [Budget] = []
    for (variant, limit) in [(Variant.pack, 0.2), (.packLZ4, -0.6)] {
      guard let seconds = overStock(variant) else { continue }
      budgets.append(
        Budget("\(variant.title), time over stock", seconds, atMost: limit, "s", digits: 2))
    }
    budgets += squashBudgets
    for variant in [Variant.pack, .nest] {
      guard let least = least(variant, options: nil) else { continue }
      budgets.append(
        Budget("\(variant.title), least memory", Double(least), atMost: 296, "MiB", digits: 0))
    }
    if let stock = imageSizes[Variant.stock.rawValue],
      let pack = imageSizes[Variant.pack.rawValue]
    {
      budgets.append(
        Budget(
          "leafroot pack, size to the image's", Double(pack) / Double(stock), atMost: 1.01, "",
          digits: 3))
    }
    return budgets
  }

  private var squashBudgets: [Budget] {
    guard let squash = times.first(where: { $0.variant == .squash }) else { return [] }
    let name = Variant.squash.title
    var budgets: [Budget] = []
    if let seconds = overStock(.squash) {
      budgets.append(Budget("\(name), time over stock", seconds, atMost: -2.3, "s", digits: 2))
    }
    if let read = squash.read,
      let stock = times.first(where: { $0.variant == .stock })?.read
    {
      budgets.append(
        Budget("\(name), all read, over stock", read - stock, atMost: 0, "s", digits: 2))
    }
    if let size = imageSizes[Variant.squash.rawValue] {
      let image = Double(size) / Double(1 << 20)
      if let kept = squash.kept {
        budgets.append(
          Budget("\(name), memory kept", Double(kept), atMost: image + 4, "MiB", digits: 0))
      }
      if let pack = imageSizes[Variant.pack.rawValue] {
        budgets.append(
          Budget(
            "\(name), size to pack's", Double(size) / Double(pack), atMost: 1.06, "", digits: 3))
      }
    }
    for (options, limit) in [(nil, 256.0), ("size=90%", 216)] {
      guard let least = least(.squash, options: options) else { continue }
      budgets.append(
        Budget(
          "\(name), least memory" + (options.map { " with \($0)" } ?? ""), Double(least),
          atMost: limit, "MiB", digits: 0))
    }
    return budgets
  }

  private var timeBudgets: [Budget] {
    guard let ours = overStock(.wrap) else { return [] }
    var budgets = [Budget("time over stock", ours, atMost: 1.2, "s", digits: 2)]
    if let cp = overStock(.cp) {
      budgets.append(Budget("time over stock, to cp -a's", ours / cp, atMost: 0.75, "", digits: 2))
    }
    let others = [Variant.cp, .fileByFile, .tar].compactMap { overStock($0) }
    if let least = others.min() {
      budgets.append(
        Budget("time over stock, to the best copier's", ours, atMost: least, "s", digits: 2))
    }
    if let kernel = overStock(.kernel) {
      budgets.append(
        Budget("own kernel, over the same without", kernel, atMost: 0.02, "s", digits: 3))
    }
    if let small = small?.overStock {
      budgets.append(Budget("an image of 1 MB, over stock", small, atMost: 0.02, "s", digits: 3))
    }
    return budgets
  }

  private var memoryBudgets: [Budget] {
    [(nil, "least memory, to stock's"), ("size=90%", "the same with size=90%")].compactMap {
      options, name in
      guard let ours = least(.wrap, options: options), let stock = least(.stock, options: options)
      else { return nil }
      return Budget(name, Double(ours), atMost: Double(stock), "MiB", digits: 0)
    }
  }

  private var otherBudgets: [Budget] {
    var budgets: [Budget] = []
    if let ratio = processors?.ratio {
      budgets.append(Budget("the move on two cpus, to one", ratio, atMost: 0.65, "", digits: 2))
    }
    for (architecture, size) in programSizes.sorted(by: { $0.key > $1.key }) {
      budgets.append(
        Budget("leafroot-init, \(architecture)", Double(size) / 1024, atMost: 540, "KiB", digits: 1)
      )
    }
    return budgets
  }
}
