// SPDX-License-Identifier: MIT

import Machines
import Testing

/// The promise, point by point: the scripts to run in a machine of any kind.
enum Promise {
  /// For point 4: an init that prints its arguments, its environment and the root directory.
  static let given = """
    echo "arguments: $*."
    busybox env | busybox sed 's/^/environment: /'
    echo "files:" /* /.[!.]*
    exec /.leafroot-boot/init
    """

  /// For point 6: to follow a script that mounts `proc`.
  static let core = """
    echo '|/sbin/core' > /proc/sys/kernel/core_pattern
    ulimit -c unlimited
    busybox sh -c 'kill -SEGV $$'
    busybox sleep 1
    [ -s /tmp/core ] && echo "core: written" || echo "core: missing"
    """

  /// For point 7: prints the standard descriptors of the real init.
  static let console = """
    busybox mount -t proc proc /proc
    for n in 0 1 2; do echo "fd $n: $(busybox readlink /proc/1/fd/$n)"; done
    """

  /// Prints the mount of `/`.
  static let mounts = "busybox mount -t proc proc /proc; busybox grep ' / ' /proc/mounts"
}

extension Outcome {
  /// Points 1 to 3: `/` is a leaf, pivot_root works, rootfs is empty and sealed.
  func expectLeaf() throws {
    #expect(verdict.outcome == .asPromised, "\(self)")
    let check = try #require(check, "\(self)")
    #expect(check.mountId != check.parentId)
    #expect(check.type == "tmpfs")
    #expect(check.pivotRoot == "ok")
    #expect(check.below?.entries == 0)
    #expect(check.below?.sealed == true)
  }

  /// Without LeafRoot, the kernel boots into rootfs, and pivot_root fails with EINVAL.
  func expectRootfs() throws {
    #expect(verdict.outcome == .notAsPromised, "\(self)")
    let check = try #require(check, "\(self)")
    #expect(check.mountId == check.parentId)
    #expect(check.pivotRoot == "EINVAL")
    #expect(check.below == nil)
  }

  /// Point 4, after ``Promise/given``.
  /// - Parameters:
  ///   - arguments: All arguments.
  ///   - environment: Some entries of the environment.
  func expectGiven(_ arguments: String, environment: String...) throws {
    #expect(verdict.outcome == .asPromised, "\(self)")
    #expect(console.lines.contains("arguments: \(arguments)."), "\(self)")
    for entry in environment {
      #expect(console.lines.contains("environment: \(entry)"), "\(self)")
    }
    #expect(!console.lines.contains { $0.hasPrefix("environment: leafroot_init") })
    let files = try #require(console.lines.first { $0.hasPrefix("files: /") }, "\(self)")
    for name in ["/leafroot", "/.leaf ", "/.leafroot-links"] {
      #expect(!files.contains(name), "\(files)")
    }
  }

  /// Point 7, after ``Promise/console``: the real init's standard descriptors are the leaf's
  /// console. The console of rootfs would be followed by " (deleted)".
  func expectConsole() {
    for number in 0...2 {
      #expect(output.contains("fd \(number): /dev/console\n"), "\(self)")
    }
    #expect(!output.contains("deleted"), "\(self)")
  }
}

extension Boot {
  /// `initramfs_options=` must set the leaf's mount options.
  func expectMountOptions() async throws {
    var boot = self
    boot.append.append("initramfs_options=size=77m,nr_inodes=5000")
    let outcome = try await boot.run(Promise.mounts)

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.output.contains("size=78848k,nr_inodes=5000"), "\(outcome)")
  }
}
