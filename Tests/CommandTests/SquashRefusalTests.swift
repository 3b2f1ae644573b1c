// SPDX-License-Identifier: MIT

import TestSupport
import Testing

/// What `leafroot pack --squash` does not squash, and what it needs.
@Suite struct SquashRefusalTests {
  private let tree: SquashTree
  private var directory: TemporaryDirectory { tree.directory }
  private var leafroot: Tool { tree.leafroot }

  init() throws { tree = try SquashTree() }

  @Test(arguments: [
    ("/", "the root itself stays a tmpfs: name directories in it, such as /usr"),
    ("/./", "the root itself stays a tmpfs"),
    ("/var", "/var and what is in it stay in the tmpfs: it is for what is written"),
    ("var/lib/docker", "/var and what is in it stay in the tmpfs"),
    ("/etc", "/etc and what is in it stay in the tmpfs: the boot itself writes there"),
    ("/run", "/run and"), ("/tmp", "/tmp and"), ("/dev", "/dev and"), ("/proc", "/proc and"),
    ("/sys/kernel", "/sys and"), ("/usr/../etc", "name the directory without '..'"),
    ("/a,b", "an overlay takes no path with a comma, a colon, a backslash or a line feed"),
    ("/a:b", "an overlay takes no path"), ("/a\\b", "an overlay takes no path"),
    ("/a\nb", "an overlay takes no path"),
  ])
  func `a directory that must stay in the tmpfs is refused`(name: String, reason: String) throws {
    let result = try leafroot(
      "pack", "tree", "-o", "out", "--arch", "x86_64", "--squash", name)
    #expect(result.status == 64)
    #expect(result.errors.contains(reason), "\(result.errors)")
  }

  @Test(arguments: [
    (["/usr", "usr/lib"], "/usr/lib is in /usr, which is squashed as a whole"),
    (["/usr/lib", "/usr"], "/usr/lib is in /usr, which is squashed as a whole"),
    (["/usr", "usr/"], "/usr is named twice"),
  ])
  func `a directory in another one is refused`(names: [String], reason: String) throws {
    let result = try leafroot(
      ["pack", "tree", "-o", "out", "--arch", "x86_64"] + names.flatMap { ["--squash", $0] })
    #expect(result.status == 64)
    #expect(result.errors.contains("--squash: \(reason)."), "\(result.errors)")
  }

  @Test(arguments: [
    ("/lib", "/lib cannot be squashed: 'lib' is a symbolic link to 'usr/lib'; name the directory"),
    ("/lib/modules", "/lib/modules cannot be squashed: 'lib' is a symbolic link to 'usr/lib'"),
    ("/nothing", "has no directory /nothing"), ("/usr/bin/start", "/usr/bin/start is not a dir"),
  ])
  func `what is no directory of the tree is refused`(name: String, reason: String) throws {
    try tree.make()
    let result = try leafroot(
      "pack", "tree", "-o", "out", "--arch", "x86_64", "--squash", name)
    #expect(result.status == 2)
    #expect(result.errors.hasPrefix("leafroot: tree: \(reason)"), "\(result.errors)")
    #expect(try !directory.names.contains("out"))
  }

  @Test(
    .enabled(if: Privilege.mayRun),
    arguments: [
      ("mknod tree/usr/gone c 0 0", "'usr/gone' is a character device 0:0"),
      (
        "setfattr -n trusted.overlay.opaque -v y tree/usr/bin",
        "'usr/bin' has trusted.overlay.opaque, which an overlay keeps to itself"
      ),
    ])
  func `what an overlay would hide is refused`(script: String, reason: String) throws {
    try tree.make()
    try directory.shell(script)
    let result = try tree.pack()
    #expect(result.status == 2)
    #expect(result.errors.hasPrefix("leafroot: tree: \(reason)"), "\(result.errors)")
  }

  @Test func `a tree without modules is refused, with the remedy`() throws {
    try tree.make()
    try directory.shell("mv tree/usr/lib/modules modules")
    let result = try tree.pack()
    #expect(result.status == 2)
    #expect(
      result.errors == """
        leafroot: tree: has no kernel modules in /lib/modules: --squash needs loop, squashfs, \
        overlay; name a directory with those of the kernel that will boot, as --modules \
        /lib/modules or --modules debian:6.12

        """)
    for modules in ["modules", "modules/6.12.1-test"] {
      let given = try tree.pack("--modules", modules)
      #expect(given.status == 0, "\(given.errors)")
      #expect(given.output.contains("\nkernels that can mount it: 6.12.1-test\n"))
    }
    let empty = try tree.pack("--modules", "tree/etc")
    #expect(empty.status == 2)
    #expect(empty.errors == "leafroot: tree/etc: has no kernel modules\n")
    #expect(
      try leafroot("pack", "tree", "-o", "out", "--modules", "modules").errors
        .contains("--modules requires --squash."))
  }

  @Test func `a kernel that lacks a part is left out, with a warning`() throws {
    try tree.make()
    try directory.shell(
      """
      cd tree/usr/lib/modules
      cp -r 6.12.1-test 6.1.0-old && rm 6.1.0-old/kernel/loop.ko
      cp -r 6.1.0-old 6.18.0-new && echo kernel/drivers/block/loop.ko >6.18.0-new/modules.builtin
      """)
    let result = try tree.pack()
    #expect(result.status == 0, "\(result.errors)")
    #expect(
      result.errors
        == "leafroot: warning: Linux 6.1.0-old has no module loop: it will not boot this image\n")
    #expect(
      result.output.contains("\nkernels that can mount it: 6.12.1-test, 6.18.0-new\n"),
      "\(result.output)")
    try directory.shell("rm -r tree/usr/lib/modules/6.12.1-test tree/usr/lib/modules/6.18.0-new")
    let none = try tree.pack()
    #expect(none.status == 2)
    #expect(
      none.errors.hasPrefix("leafroot: tree: Linux 6.1.0-old has no module loop: --squash needs "),
      "\(none.errors)")
  }

  @Test func `without squashfs-tools-ng, its name is in the error`() throws {
    try tree.make()
    #expect(try tree.pack().status == 0)
    try directory.shell("printf hsqs >source; mkdir bin; ln -s $(command -v sh) bin")
    var bare = leafroot
    bare.environment["PATH"] = "\(directory.path)/bin"
    for (arguments, error) in [
      (
        ["pack", "tree", "-o", "none", "--arch", "x86_64", "--squash", "/usr"],
        "leafroot: tar2sqfs: not found in PATH; --squash requires squashfs-tools-ng\n"
      ),
      (
        ["pack", "source", "-o", "none", "--arch", "x86_64"],
        "leafroot: sqfs2tar: not found in PATH; a squashfs requires squashfs-tools-ng\n"
      ),
      (
        ["unpack", "out", "unpacked"],
        "leafroot: sqfs2tar: not found in PATH; a squashfs requires squashfs-tools-ng\n"
      ),
    ] {
      let result = try bare(arguments)
      #expect(result.status == 2)
      #expect(result.errors == error)
    }
    #expect(try !directory.names.contains("none"))
  }

  @Test func `an end of tar2sqfs without a squashfs is an error`() throws {
    try tree.make()
    try directory.shell(
      "mkdir bin; printf '#!/bin/sh\\ncat >/dev/null\\n' >bin/tar2sqfs; chmod 755 bin/*")
    var idle = leafroot
    idle.environment["PATH"] = "\(directory.path)/bin:\(idle.environment["PATH"] ?? "")"
    let result = try idle(
      "pack", "tree", "-o", "none", "--arch", "x86_64", "--squash", "/usr")
    #expect(result.status == 2)
    #expect(result.errors.hasSuffix("leafroot: tar2sqfs: has written no squashfs\n"))
    #expect(try !directory.names.contains("none"))
  }

  @Test(.enabled(if: Privilege.mayRun, "mounts a /dev"))
  func `a /dev without the standard streams is enough`() throws {
    try tree.make()
    try directory.shell("bsdtar -cf - -C tree . | tar2sqfs -q source")
    let script = """
      mount -t tmpfs dev /dev && mknod -m 666 /dev/null c 1 3 &&
      $leafroot pack source -o out --arch x86_64 --level 3 --squash /usr &&
      $leafroot unpack out unpacked && ls /dev
      """
    let result = try leafroot.shell("exec unshare --mount sh -c '\(script)'")
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    #expect(result.output.hasSuffix("\nnull\n"), "\(result.output)")
  }

  @Test func `a damaged squashfs is an error that names it`() throws {
    try directory.file("source", Array("hsqs".utf8) + [UInt8](repeating: 1, count: 4096))
    let result = try leafroot("pack", "source", "-o", "none", "--arch", "x86_64")
    #expect(result.status == 2)
    #expect(
      result.errors.hasPrefix("leafroot: source: cannot be read as a squashfs: "),
      "\(result.errors)")
  }
}
