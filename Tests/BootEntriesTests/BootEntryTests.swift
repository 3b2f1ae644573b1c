// SPDX-License-Identifier: MIT

import BootEntries
import Files
import Packing
import SystemPackage
import TestSupport
import Testing

/// What is printed for each boot loader. LoaderTests boot with it.
@Suite struct BootEntryTests {
  private let directory = try! TemporaryDirectory()

  private func text(
    _ loader: Loader, _ names: [String] = ["leaf.img", "image.img"], kernel: String? = nil,
    prefix: String? = nil, append: String = "", title: String = "LeafRoot"
  ) throws -> String {
    let contents = names.count > 1 ? [LoadedImagesTests.leaf] : []
    return try text(
      loader, names, contents + [LoadedImagesTests.plain], kernel, prefix, append, title)
  }

  private func nested(
    _ loader: Loader, _ name: String = "image.img", prefix: String? = nil
  ) throws -> String {
    try text(
      loader, ["nest.img", name], [LoadedImagesTests.nest, LoadedImagesTests.plain], nil, prefix,
      "", "LeafRoot")
  }

  private func text(
    _ loader: Loader, _ names: [String], _ contents: [[UInt8]], _ kernel: String?,
    _ prefix: String?, _ append: String, _ title: String
  ) throws -> String {
    let paths = try zip(names, contents).map { try directory.file($0, $1) }
    let entry = try BootEntry(
      LoadedImages(paths), for: loader, kernel: kernel, prefix: prefix, append: append,
      title: title)
    let text = try loader.text(entry)
    return text.replacing("\(directory.path)/", with: "HERE/")
  }

  /// Without the comments.
  private func lines(_ text: String) -> String {
    text.split(separator: "\n").filter { !$0.hasPrefix("# ") }.joined(separator: "\n")
  }

  @Test func `iPXE's script names each file for UEFI`() throws {
    #expect(
      try text(.ipxe, append: "console=ttyS0") == """
        #!ipxe
        # LeafRoot
        # memory: at least 76 MiB
        # kexec, kdump: if another image boots with these parameters, append rdinit=/init
        # UEFI: each initrd= names a file, in their order; BIOS does not need them
        kernel vmlinuz initrd=leaf.img initrd=image.img rdinit=/leafroot nonroot_initramfs \
        console=ttyS0
        initrd leaf.img
        initrd image.img
        boot

        """)
  }

  @Test func `iPXE makes a file of the image behind the segment of nest`() throws {
    #expect(
      lines(try nested(.ipxe, "my image.img", prefix: "http://${next-server}/a")) == """
        #!ipxe
        kernel http://${next-server}/a/vmlinuz initrd=initrd.magic nonroot_initramfs
        initrd http://${next-server}/a/nest.img
        initrd --name initrd1 http://${next-server}/a/my%20image.img /.leafroot/nested/0000 mode=600
        boot
        """)
  }

  @Test func `GRUB's entry quotes what its shell would take apart`() throws {
    #expect(
      lines(
        try text(
          .grub, ["leaf.img", "it's $1.img"], kernel: "/a b/vmlinuz",
          append: "a=\"b c\" \"d=e f\" g=$h", title: "Leaf & Root")) == #"""
          menuentry 'Leaf & Root' {
            linux '/a b/vmlinuz' rdinit=/leafroot nonroot_initramfs 'a=b c' 'd=e f' 'g=$h'
            initrd /leaf.img '/it'\''s $1.img'
          }
          """#)
    #expect(
      lines(try nested(.grub, "my image.img", prefix: "($root)/boot")) == """
        menuentry LeafRoot {
          linux "($root)/boot/vmlinuz" nonroot_initramfs
          initrd "($root)/boot/"nest.img newc:/.leafroot/nested/0000:"($root)/boot/"'my image.img'
        }
        """)
  }

  @Test func `systemd-boot has one file in a line`() throws {
    #expect(
      lines(try text(.systemdBoot, prefix: "/EFI/leaf", append: "a=\"b  c\"", title: "A B")) == """
        title A B
        linux /EFI/leaf/vmlinuz
        initrd /EFI/leaf/leaf.img
        initrd /EFI/leaf/image.img
        options rdinit=/leafroot nonroot_initramfs a="b  c"
        """)
  }

  @Test(arguments: [Loader.extlinux, .pxelinux])
  func `SYSLINUX has all files in one line`(loader: Loader) throws {
    #expect(
      lines(try text(loader)) == """
        LABEL leafroot
          MENU LABEL LeafRoot
          LINUX vmlinuz
          INITRD leaf.img,image.img
          APPEND rdinit=/leafroot nonroot_initramfs
        """)
  }

  @Test func `ukify gets the images in their order`() throws {
    #expect(
      lines(try text(.uki, ["leaf.img", "my image.img"], append: "a='b'")) == #"""
        ukify build \
          --linux=vmlinuz \
          --initrd=HERE/leaf.img \
          --initrd='HERE/my image.img' \
          --cmdline='rdinit=/leafroot nonroot_initramfs a='\''b'\''' \
          --output=leafroot.efi
        """#)
  }

  /// A raw archive of this size ends where the next may begin, but not at a block.
  @Test func `QEMU and kexec get one file, with zeros between images`() throws {
    let zeros = "head -c \((-LoadedImagesTests.leaf.count & 3) + 4) /dev/zero"
    let one =
      "{ cat HERE/leaf.img; \(zeros); cat HERE/image.img; } >leafroot-initrd.img &&"
    #expect(
      lines(try text(.kexec)) == #"""
        \#(one)
        kexec -l vmlinuz --initrd=leafroot-initrd.img \
          --command-line='rdinit=/leafroot nonroot_initramfs' &&
        kexec -e
        """#)
    let qemu = try text(.qemu, append: "console=ttyS1")
    #expect(qemu.contains("\n\(one)\nqemu-system-"), "\(qemu)")
    #expect(
      qemu.contains("-append 'rdinit=/leafroot nonroot_initramfs console=ttyS1'\n"), "\(qemu)")
  }

  @Test(arguments: [Loader.qemu, .kexec, .uki])
  func `each path in a command of the shell is quoted`(loader: Loader) throws {
    let text = try text(
      loader, ["my image.img"], [LoadedImagesTests.leaf + LoadedImagesTests.plain], "it's $1", nil,
      "", "LeafRoot")
    let words: [Loader: (kernel: String, image: String)] = [
      .qemu: ("-kernel ", "-initrd "), .kexec: ("kexec -l ", " --initrd="),
      .uki: ("--linux=", "--initrd="),
    ]
    let (kernel, image) = try #require(words[loader])
    #expect(text.contains(#"\#(kernel)'it'\''s $1' "#), "\(text)")
    #expect(text.contains("\(image)'HERE/my image.img' "), "\(text)")
  }

  @Test(arguments: [Loader.qemu, .kexec])
  func `each image in the command that joins them is quoted`(loader: Loader) throws {
    let text = try text(loader, ["leaf 1.img", "it's.img"])
    #expect(text.contains("{ cat 'HERE/leaf 1.img'; "), "\(text)")
    #expect(text.contains(#"; cat 'HERE/it'\''s.img'; } >"#), "\(text)")
  }

  @Test(arguments: [
    (Architecture.x86, "x86_64 -M q35 -cpu max", "ttyS0"),
    (.arm, "aarch64 -M virt -cpu max", "ttyAMA0"), (.riscv, "riscv64 -M virt", "ttyS0"),
  ])
  func `QEMU gets the machine, its console, and a quarter more memory than the boot needs`(
    architecture: Architecture, machine: String, console: String
  ) throws {
    let image = try directory.file(
      "image.img", LoadedImagesTests.leaf + LoadedImagesTests.plain)
    var entry = try BootEntry(LoadedImages([image]), for: .qemu)
    entry.architecture = architecture
    // In steps of 64 MiB, and at least 512.
    for (least, given) in [(76, 512), (409, 512), (410, 512), (411, 576), (1024, 1280)] {
      entry.memory = least
      let text = try Loader.qemu.text(entry)
      #expect(text.contains("qemu-system-\(machine) -m \(given)M -nographic "), "\(least): \(text)")
      #expect(text.contains("-append 'console=\(console) rdinit=/leafroot "), "\(text)")
    }
  }

  @Test func `what a loader's language cannot say is an error that names it`() throws {
    for (loader, append, reason) in [
      (Loader.ipxe, "a=\"b  c\"", "iPXE makes one blank of several"),
      (.ipxe, "a=${b}", "iPXE takes '${' for the beginning of a setting"),
      (.ipxe, "a && b", "iPXE ends a command at the word '&&'"),
      (.ipxe, "#a", "iPXE ends a command at the word '#a'"),
      (.ipxe, "a=b\\", "iPXE takes a backslash at the end for a continued line"),
      (.grub, "a='b'", "GRUB puts a backslash before a quote or a backslash: 'a='b''"),
      (.grub, "a=\\b", "GRUB puts a backslash"),
      (.qemu, "rdinit=/sbin/init", "use leafroot_init=PATH"),
      (.qemu, "initrd=x", "names other images than those given"),
      (.qemu, "a=\"b", "have a quote that is not closed"),
      (.qemu, "a\nb", "has a control character"),
      (.grub, String(repeating: "x", count: 2047), "expected at most 2047"),
    ] {
      let error = #expect(throws: EntryError.self) { try text(loader, append: append) }
      #expect(error.map { "\($0)".contains(reason) } == true, "\(error as Any)")
    }
    for (loader, name) in [
      (Loader.systemdBoot, "my image.img"), (.extlinux, "my image.img"), (.pxelinux, "a,b.img"),
    ] {
      #expect(throws: EntryError.self) { try text(loader, ["leaf.img", name]) }
    }
    #expect(throws: EntryError.self) { try text(.ipxe, prefix: "http://a b/") }
    #expect(throws: EntryError.self) { try text(.ipxe, title: "a\nboot") }
  }

  @Test(arguments: [Loader.systemdBoot, .extlinux, .pxelinux, .uki, .qemu, .kexec])
  func `a loader that makes no files of images says what to do instead`(loader: Loader) throws {
    let error = #expect(throws: EntryError.self) { try nested(loader) }
    #expect(error.map { "\($0)".contains("use 'leafroot nest IMAGE -o OUT'") } == true)
  }

  @Test func `an image without PID 1 needs a kernel that makes the leaf`() throws {
    let image = try directory.file("image.img", LoadedImagesTests.plain)
    let images = try LoadedImages([image])
    #expect(throws: FileError.self) { try BootEntry(images, for: .grub) }
    let entry = try BootEntry(images, for: .grub, isKernelLeaf: true)
    #expect(entry.parameters == "nonroot_initramfs")
    // It makes the leaf of a wrapped image, too.
    let wrapped = try LoadedImages([
      directory.file("wrapped.img", LoadedImagesTests.leaf + LoadedImagesTests.plain)
    ])
    #expect(
      try BootEntry(wrapped, for: .grub, isKernelLeaf: true).parameters == "nonroot_initramfs")
    #expect(
      try BootEntry(wrapped, for: .grub).parameters == "rdinit=/leafroot nonroot_initramfs")
  }
}
