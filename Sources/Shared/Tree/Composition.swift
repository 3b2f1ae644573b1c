// SPDX-License-Identifier: MIT

/// Makes one tree of packed trees, and of what the kernel has unpacked around their payloads, as if
/// the kernel had unpacked all in its order.
///
/// What came before a payload is brought into the tree before the payload is unpacked there. Then
/// the payload meets what the kernel would have met. What came behind the last one comes last.
public struct Composition {
  private let rest: Int32
  private let status: Status
  private let tree: Int32
  private let holder: UInt64

  /// Of the payload that was unpacked last.
  private var period: CopyPeriod?
  private var hasAllDirectories = true
  /// Of the directories that were there before that payload, unless the kernel has made all.
  private var times: DirectoryTimes?

  /// Whether the files of one payload may have names in common, which earlier images have linked.
  public private(set) var hasLinkedFiles = false

  /// - Parameters:
  ///   - rest: the root of what the kernel has unpacked, open for reading.
  ///   - status: the root's, as the kernel left it.
  ///   - tree: an empty directory, open for reading. It gets the root's metadata.
  ///   - holder: the directory of all payloads, an entry of `rest`.
  public init(
    of rest: Int32, _ status: Status, in tree: Int32, besides holder: StaticString
  ) throws(Failure) {
    self.rest = rest
    self.status = status
    self.tree = tree
    self.holder = try Status(of: cName(holder), in: rest).inode
    try copyMetadata(from: rest, status, to: tree)
  }

  /// Brings what the kernel wrote before a payload, which is to be unpacked next.
  ///
  /// - Parameters:
  ///   - period: when the kernel copied the payload.
  ///   - hasAllDirectories: the kernel has made all its directories, too.
  public mutating func prepare(
    _ period: CopyPeriod, hasAllDirectories: Bool
  ) throws(Failure) {
    try times?.restore(below: tree)
    let selection = Selection(period: period, holder: holder)
    try reconcile(selection)
    let mover = Mover(from: rest, status, to: tree, merging: true, selecting: selection)
    try mover.move()
    // Those of the earlier payload.
    hasLinkedFiles = hasLinkedFiles || mover.hasLinkedFiles || self.period != nil
    self.period = period
    self.hasAllDirectories = self.hasAllDirectories && hasAllDirectories
    times =
      self.hasAllDirectories ? nil : try DirectoryTimes(below: tree, besides: Self.builtIn)
  }

  /// Brings the rest. The payloads are gone.
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
