// SPDX-License-Identifier: MIT

/// What boots a kernel with images.
public enum Loader: String, CaseIterable, Sendable {
  case ipxe
  case grub
  case systemdBoot = "systemd-boot"
  case extlinux
  case pxelinux
  case uki
  case qemu
  case kexec

  /// It runs on a machine where the images have the same paths as here.
  var readsHostFiles: Bool {
    switch self {
    case .uki, .qemu, .kexec: true
    case .ipxe, .grub, .systemdBoot, .extlinux, .pxelinux: false
    }
  }

  /// Where it finds files if nobody says otherwise: the root directory of its file system, or where
  /// its own configuration is.
  var root: String {
    switch self {
    case .grub, .systemdBoot: "/"
    case .ipxe, .extlinux, .pxelinux, .uki, .qemu, .kexec: ""
    }
  }

  /// It can make a file of an image that it loads.
  var injectsFiles: Bool { self == .ipxe || self == .grub }
}
