// SPDX-License-Identifier: MIT

/// Combines packed trees, and what the kernel unpacked around their payloads, into one tree, as if
/// the kernel had unpacked everything in its order.
///
/// What came before a payload moves into the tree before the payload is unpacked there, so the
/// payload meets what the kernel would have met. What came after the last payload moves last.
public struct Composition {
  private let rest: Int32
  private let status: Status
  private let tree: Int32
  private let holder: UInt64

  /// When the kernel copied the payload that was unpacked last.
  private var period: CopyPeriod?
  private var hasAllDirectories = true
  /// The times of directories that existed before that payload; nil if the kernel made all of them.
  private var times: DirectoryTimes?

  /// Whether two paths in one payload may be the same file, hard-linked by earlier images.
  public private(set) var hasLinkedFiles = false

  /// - Parameters:
  ///   - rest: the root of what the kernel has unpacked, open for reading.
  ///   - status: the status of `rest`, as the kernel left it.
  ///   - tree: an empty directory, open for reading. It gets the root's metadata.
  ///   - holder: the directory that holds all payloads, an entry of `rest`.
  public init(
    of rest: Int32, _ status: Status, in tree: Int32, besides holder: StaticString
  ) throws(Failure) {
    self.rest = rest
    self.status = status
    self.tree = tree
    self.holder = try Status(of: cName(holder), in: rest).inode
    try copyMetadata(from: rest, status, to: tree)
  }

  /// Moves in what the kernel wrote before the payload that is unpacked next.
  ///
  /// - Parameters:
  ///   - period: when the kernel copied the payload.
  ///   - hasAllDirectories: whether the kernel also made all of the payload's directories.
  public mutating func prepare(
    _ period: CopyPeriod, hasAllDirectories: Bool
  ) throws(Failure) {
    try times?.restore(below: tree)
    let selection = Selection(period: period, holder: holder)
    try reconcile(selection)
    let mover = Mover(from: rest, status, to: tree, merging: true, selecting: selection)
    try mover.move()
    // An earlier payload may have some.
    hasLinkedFiles = hasLinkedFiles || mover.hasLinkedFiles || self.period != nil
    self.period = period
    self.hasAllDirectories = self.hasAllDirectories && hasAllDirectories
    times =
      self.hasAllDirectories ? nil : try DirectoryTimes(below: tree, besides: Self.builtIn)
  }

  /// Moves in the rest, after the payloads are gone.
  public func finish() throws(Failure) {
    try times?.restore(below: tree)
    try reconcile(nil)
    try Mover(from: rest, try Status(of: rest), to: tree, merging: true).move()
  }

  /// Directories that the kernel makes before it unpacks images (usr/default_cpio_list): the first
  /// record of an image sets their times.
  private static var builtIn: [StaticString] { ["dev", "root"] }

  private func reconcile(_ selection: Selection?) throws(Failure) {
    guard let period else { return }
    try Reconciliation(
      period: period, hasAllDirectories: hasAllDirectories, selection: selection
    ).run(rest, tree)
  }
}
