// SPDX-License-Identifier: MIT

/// A program that boots a kernel with images.
public enum Loader: String, CaseIterable, Sendable {
  case ipxe
  case grub
  case systemdBoot = "systemd-boot"
  case extlinux
  case pxelinux
  case uki
  case qemu
  case kexec

  /// Whether it runs on a machine where the images have the same paths as here.
  var readsHostFiles: Bool {
    switch self {
    case .uki, .qemu, .kexec: true
    case .ipxe, .grub, .systemdBoot, .extlinux, .pxelinux: false
    }
  }

  /// The default directory of its files: the root of its file system, or the directory of its own
  /// configuration.
  var root: String {
    switch self {
    case .grub, .systemdBoot: "/"
    case .ipxe, .extlinux, .pxelinux, .uki, .qemu, .kexec: ""
    }
  }

  /// Whether it can make a file of an image that it loads.
  var injectsFiles: Bool { self == .ipxe || self == .grub }
}
