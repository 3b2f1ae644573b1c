// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import Testing

extension NastyTree {
  /// The tree in a busybox system.
  static func tree() -> GuestTree {
    var tree = GuestTree()
    add(to: &tree)
    return tree
  }

  /// Prints one line per entry: name, type and permissions, owner, links, size, device, mtime,
  /// target, and the content's checksum.
  static let census = """
    cd /
    busybox find . -xdev | busybox sort | while IFS= read -r name; do
      busybox stat -c 'census %N %f %u %g %h %s %t:%T %y' "$name"
    done
    busybox find . -xdev -type f ! -path './.leafroot-boot/*' -exec busybox md5sum {} + |
      busybox sort -k 2 | busybox sed 's/^/census /'
    """

  /// The census in the root file system that the kernel makes by itself. Each kernel is booted
  /// once, however many tests compare with it.
  static func stock(_ kernel: String = "6.12-x86_64") async throws -> Outcome {
    try await stockBoots.value(kernel) {
      try await Boot(kernel: kernel, tree: tree(), hasLeaf: false).run(census)
    }
  }

  private static let stockBoots = Once<Outcome>()

  /// The lines of the census without the test's own files and without the console, whose time is
  /// that of the last output.
  static func entries(_ outcome: Outcome) -> [String] {
    outcome.output.split(separator: "\n").filter { $0.hasPrefix("census ") }
      .map { String($0.dropFirst(7)) }
      .filter { !$0.contains(".leafroot-boot") && !$0.hasPrefix("./dev/console ") }
  }

  /// The census of a leaf must be that of the stock kernel's rootfs, entry by entry.
  static func expectSame(_ leaf: Outcome, as stock: Outcome) {
    let (ours, theirs) = (entries(leaf), entries(stock))
    #expect(theirs.count > 300, "\(stock)")
    for (mine, its) in zip(ours, theirs) where mine != its {
      Issue.record("leaf \(mine)\nstock \(its)")
    }
    #expect(ours.count == theirs.count)
  }
}

extension Boot {
  /// In the leaf, every entry of a nasty tree must be as the stock kernel unpacks it.
  func expectNastyTree() async throws {
    var boot = self
    boot.tree = NastyTree.tree()
    let leaf = try await boot.run(NastyTree.census)

    #expect(leaf.verdict.outcome == .asPromised, "\(leaf)")
    NastyTree.expectSame(leaf, as: try await NastyTree.stock(kernel))
  }
}
