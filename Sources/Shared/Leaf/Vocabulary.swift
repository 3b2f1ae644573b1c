// SPDX-License-Identifier: MIT

/// What guest and host must agree on: parameters, paths, and the prefixes of lines.
public enum Vocabulary {
  /// The kernel parameter that requests the leaf.
  public static var request: StaticString { "nonroot_initramfs" }
  /// `leafroot_init=PATH`: the real init.
  public static var initParameter: StaticString { "leafroot_init" }
  /// `leafroot_partial=ok`: boot a half-unpacked image anyway.
  public static var partialParameter: StaticString { "leafroot_partial" }

  /// The programs that the kernel and PID 1 try as the init, in this order: init/main.c,
  /// kernel_init().
  public static var inits: [StaticString] {
    ["/init", "/sbin/init", "/etc/init", "/bin/init", "/bin/sh"]
  }

  /// PID 1 in the root directory of an image.
  public static var program: StaticString { "leafroot" }
  /// The directory of the payloads in the root directory of a packed image. Each is a directory of
  /// images 0000, 0001 …, named by a digest.
  public static var payload: StaticString { ".leafroot" }
  /// The name of a payload that the boot loader makes from an image.
  public static var nested: StaticString { "nested" }
  /// The first file of a payload, which is empty, and the last, which describes it.
  public static var start: StaticString { "start" }
  public static var about: StaticString { "about" }
  /// The squashfs of a payload, and the directory of the modules that mount it, which has one
  /// directory for each kernel release.
  public static var squash: StaticString { "squash" }
  public static var modules: StaticString { "modules" }
  /// The program of a boot that the host checks.
  public static var checkPath: StaticString { "/.leafroot-boot/init" }
  /// Its command, each argument ended by a NUL.
  public static var commandPath: StaticString { "/.leafroot-boot/command" }
  /// The size of the host's terminal if the command is to have the console as its own: a `struct
  /// winsize`, ioctl_tty(2).
  public static var terminalPath: StaticString { "/.leafroot-boot/terminal" }

  /// The prefix of our lines in the kernel's log.
  public static var logPrefix: StaticString { "leafroot: " }
  /// The prefix of the line that the kernel patch also logs.
  public static var failurePrefix: StaticString {
    "Failed to create a non-root filesystem for initramfs: "
  }

  /// The prefix of the lines in which the guest reports to the host, and what follows it: a line of
  /// the log, the result of the check, the start of the command, its exit status, a kernel message
  /// that was held back while it ran.
  public static var reportPrefix: StaticString { "@leafroot " }
  public static var logReport: StaticString { "log " }
  public static var checkReport: StaticString { "check " }
  public static var commandReport: StaticString { "command" }
  public static var exitReport: StaticString { "exit " }
  public static var kernelReport: StaticString { "kernel " }
}
