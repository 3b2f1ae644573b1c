// SPDX-License-Identifier: MIT

/// The mount tree of a system that lives in its initramfs, without the leaf and with it.
enum MountTree {
  static var picture: SVG {
    var svg = SVG(
      width: 720, height: 210,
      title: """
        Without LeafRoot, / is rootfs, the root of the mount tree, and pivot_root(2) gives EINVAL. \
        With it, / is a tmpfs mounted on an empty, read-only rootfs, and pivot_root(2) works.
        """)
    svg.text("stock", x: 0, y: 16, .start, .quiet)
    box("/", "rootfs: the whole tree", "mount 1 on 1", x: 0, y: 30, .text, in: &svg)
    edge(from: (150, 80), to: (75, 130), in: &svg)
    edge(from: (150, 80), to: (225, 130), in: &svg)
    small("/proc", x: 20, y: 130, in: &svg)
    small("/sys", x: 170, y: 130, in: &svg)
    svg.text("pivot_root(2): EINVAL", x: 0, y: 200, .start, .warning)

    svg.text("with the leaf", x: 380, y: 16, .start, .quiet)
    box("below /", "rootfs: empty, read-only", "mount 1 on 1", x: 380, y: 30, .quiet, in: &svg)
    edge(from: (530, 80), to: (530, 92), in: &svg)
    box("/", "tmpfs: the whole tree", "mount 26 on 1", x: 380, y: 92, .ours, in: &svg)
    edge(from: (530, 142), to: (455, 158), in: &svg)
    edge(from: (530, 142), to: (605, 158), in: &svg)
    small("/proc", x: 400, y: 158, in: &svg)
    small("/sys", x: 550, y: 158, in: &svg)
    svg.text("pivot_root(2): ok", x: 380, y: 206, .start, .ours)
    return svg
  }

  private static func box(
    _ path: String, _ content: String, _ ids: String, x: Double, y: Double, _ role: SVG.Role,
    in svg: inout SVG
  ) {
    svg.rectangle(x: x, y: y, width: 300, height: 50, .box)
    svg.text(path, x: x + 12, y: y + 21, .start, role)
    svg.text(ids, x: x + 288, y: y + 21, .end, .quiet)
    svg.text(content, x: x + 12, y: y + 40, .start, role)
  }

  private static func small(_ path: String, x: Double, y: Double, in svg: inout SVG) {
    svg.rectangle(x: x, y: y, width: 110, height: 28, .box)
    svg.text(path, x: x + 55, y: y + 19, .middle, .quiet)
  }

  private static func edge(
    from: (x: Double, y: Double), to: (x: Double, y: Double), in svg: inout SVG
  ) {
    svg.line([from, to], .axis)
  }
}
