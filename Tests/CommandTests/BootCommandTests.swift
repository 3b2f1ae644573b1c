// SPDX-License-Identifier: MIT

import Foundation
import SystemPackage
import TestSupport
import Testing

/// `leafroot boot`, run as people run it, with a script in the place of QEMU.
@Suite struct BootCommandTests {
  private let machine: FakeMachine

  init() throws { machine = try FakeMachine() }

  @Test func `boot shows the verdict, and keeps the log without escape sequences`() throws {
    try machine.qemu(FakeMachine.check)
    let result = try machine.boot("--log", "log")
    #expect(result.status == 0)
    #expect(result.output.hasPrefix("verdict     as promised\n"))
    #expect(
      String(decoding: try machine.directory.bytes("log"), as: UTF8.self).hasPrefix("@leafroot"))
  }

  @Test func `boot gives 2 when QEMU gives up, with its last words`() throws {
    try machine.qemu("echo 'no such machine' >&2; exit 1")
    let result = try machine.boot()
    #expect(result.status == 2)
    #expect(
      result.errors.hasSuffix(
        "leafroot: qemu-system-x86_64: exited with status 1: no such machine\n"))
  }

  @Test func `boot switches a machine off that does not end, and gives 2`() throws {
    try machine.qemu("echo $$ > pid; exec sleep 60")
    let result = try machine.boot("--timeout", "0.5")
    #expect(result.status == 2)
    #expect(result.output.hasPrefix("verdict  timed out\n"))
    #expect(try !machine.isRunning())
  }

  @Test func `boot ends QEMU when it is interrupted, and gives 130`() throws {
    try machine.qemu("echo $$ > pid; kill -INT $PPID; exec sleep 60")
    let result = try machine.boot()
    #expect(result.status == 130)
    #expect(result.output == "")
    #expect(try !machine.isRunning())
  }

  @Test func `what the command prints comes while the machine runs`() throws {
    try machine.qemu(
      """
      \(FakeMachine.check)
      printf '\\n@leafroot command\\none\\n' >> "$serial"
      until [ -e seen ]; do sleep 0.1; done
      printf 'two\\n\\n@leafroot exit 0\\n' >> "$serial"
      """)
    // If the first line did not come before the machine ends, this would time out.
    let result = try machine.shell(
      "$leafroot boot image --kernel vmlinuz --timeout 20 -- x | "
        + "{ IFS= read -r line; touch seen; echo \"got $line\"; cat; }")
    #expect(result.output.hasPrefix("got one\ntwo\n\nverdict     as promised\n"))
    #expect(result.output.contains("\ncommand     exit 0\n"))
  }

  @Test func `with --json the command's output is in the object alone`() throws {
    try machine.qemu(
      """
      \(FakeMachine.check)
      printf '\\n@leafroot command\\none\\n\\n@leafroot exit 0\\n' >> "$serial"
      """)
    let result = try machine.boot("--json", "--", "x")
    #expect(result.output.hasPrefix("{\n"))
    #expect(result.output.contains(#""output" : "one\n""#))
  }

  @Test func `boot ends QEMU when nobody reads the command's output any more`() throws {
    try machine.qemu(
      """
      echo $$ > pid
      \(FakeMachine.check)
      printf '\\n@leafroot command\\none\\ntwo\\n' >> "$serial"
      until [ -e seen ]; do sleep 0.1; done
      echo three >> "$serial"
      exec sleep 60
      """)
    let result = try machine.shell(
      "{ $leafroot boot image --kernel vmlinuz -- x; echo $? > status; } | "
        + "{ IFS= read -r line; exec <&-; touch seen; echo \"got $line\"; }; cat status")
    #expect(result.output == "got one\n141\n")
    #expect(!result.errors.contains("pipe"))
    #expect(try !machine.isRunning())
    #expect(try machine.runs == [])
  }

  @Test func `a full standard output ends the machine`() throws {
    try machine.qemu(
      """
      echo $$ > pid
      \(FakeMachine.check)
      printf '\\n@leafroot command\\none\\n' >> "$serial"
      exec sleep 60
      """)
    let result = try machine.shell("exec $leafroot boot image --kernel vmlinuz -- x >/dev/full")
    #expect(result.status == 2)
    #expect(
      result.errors.hasSuffix(
        "leafroot: cannot write standard output: no space left on device\n"))
    #expect(try !machine.isRunning())
  }

  @Test func `boot emulates a guest that KVM cannot go on with, and stops that machine`() throws {
    try machine.qemu(
      """
      case "$*" in
        *"-accel kvm"*) echo $$ > pid; echo 'KVM internal error. Suberror: 1' >&2; exec sleep 60;;
      esac
      echo $$ > emulated
      """, probe: 0x21)
    _ = try machine.boot()
    #expect(try machine.directory.names.contains("emulated"))
    // Where there is no /dev/kvm, it is not tried.
    if access("/dev/kvm", R_OK | W_OK) == 0 { #expect(try !machine.isRunning()) }
  }

  @Test func `a boot as promised removes its files, unless --keep is given`() throws {
    try machine.qemu(FakeMachine.check)
    let result = try machine.boot()
    #expect(result.status == 0)
    #expect(!result.output.contains("replay"))
    #expect(try machine.runs == [])

    let kept = try machine.boot("--keep")
    let run = try #require(try machine.runs.first)
    #expect(kept.output.contains("\nkept        \(machine.directory.path)/\(run)\n"))
    #expect(kept.output.contains("\nreplay      qemu-system-x86_64 "))
  }

  @Test func `of boots that fail the last five are kept, and no other directory goes`() throws {
    try machine.qemu("exit 0")
    // One that is running has no mark, and one without a mark is not ours.
    try FileManager.default.createDirectory(
      atPath: machine.directory.path.string + "/leafroot-abcdef", withIntermediateDirectories: false
    )
    var all: [String] = []
    for _ in 0..<7 {
      let result = try machine.boot()
      #expect(result.status == 2)
      let line = try #require(
        result.output.split(separator: "\n").first { $0.hasPrefix("kept ") })
      all.append(String(line.split(separator: "/").last!))
    }
    #expect(try machine.runs == (all.suffix(5) + ["leafroot-abcdef"]).sorted())
    let files = try FileManager.default.contentsOfDirectory(
      atPath: machine.directory.path.appending(all[6]).string)
    #expect(files.sorted() == ["console.log", "initrd.img", "kept"])
  }

  @Test func `what a QEMU that gave up was given is kept, and named`() throws {
    try machine.qemu("echo 'no such machine' >&2; exit 1")
    let result = try machine.boot()
    let run = try #require(try machine.runs.first)
    #expect(result.errors.contains("\nleafroot: kept \(machine.directory.path)/\(run)\n"))
  }

  /// A machine that needs `need` MiB, and otherwise ends with `less`.
  private func needs(_ need: Int, less: String = "echo 'Kernel panic - not syncing: no' > $serial")
    throws
  {
    try machine.qemu(
      """
      echo "$memory" >> tried
      if [ "$memory" -lt \(need) ]; then
      \(less)
      exit
      fi
      \(FakeMachine.check)
      """)
  }

  private var tried: [Int] {
    get throws {
      String(decoding: try machine.directory.bytes("tried"), as: UTF8.self).split(separator: "\n")
        .compactMap { Int($0) }
    }
  }

  @Test func `least-memory prints the least memory, and why less is not enough`() throws {
    try needs(207)
    let result = try machine.leastMemory("--memory", "1G")
    #expect(result.status == 0)
    #expect(
      result.output.hasPrefix(
        "least memory  208M\nless          204M is not enough: kernel panic\nresolution    4M\n"))
    #expect(try tried.first == 1024)
    #expect(try tried.count == 9)
    #expect(result.errors.contains("leafroot: 1024M: enough: as promised\n"))
    #expect(try machine.runs == [])
  }

  @Test func `the least memory as JSON has each boot`() throws {
    try needs(100)
    let result = try machine.leastMemory("--resolution", "64", "--json")
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(result.bytes)) as? [String: Any])
    #expect(object["leastMemory"] as? Int == 128)
    #expect(object["resolution"] as? Int == 64)
    let boots = try #require(object["boots"] as? [[String: Any]])
    #expect(boots.compactMap { $0["memory"] as? Int } == (try tried))
    #expect(boots.allSatisfy { ($0["memory"] as? Int == 64) != ($0["isEnough"] as? Bool) })
  }

  @Test func `memory with which the image is half unpacked is not enough`() throws {
    try needs(
      100, less: "echo 'Initramfs unpacking failed: x' > $serial\n\(FakeMachine.append)")
    let result = try machine.leastMemory("--memory", "256M")
    #expect(
      result.output.hasPrefix(
        "least memory  100M\nless          96M is not enough: the image is half unpacked\n"))
  }

  @Test func `nor is memory with which the command fails`() throws {
    try machine.qemu(
      """
      \(FakeMachine.check)
      [ "$memory" -ge 64 ]
      printf '\\n@leafroot command\\n\\n@leafroot exit %d\\n' $? >> "$serial"
      """)
    let result = try machine.leastMemory("--memory", "256M", "--", "x")
    #expect(
      result.output.contains("\nless          60M is not enough: as promised, command: exit 1\n"))
  }

  @Test func `where the most memory is not enough, the verdict says why, after one boot`() throws {
    try needs(4096)
    let result = try machine.leastMemory()
    #expect(result.status == 2)
    #expect(result.output.hasPrefix("verdict     kernel panic\n"))
    #expect(
      result.errors.hasSuffix("leafroot: image: not enough memory with 2048M, or another defect\n"))
    #expect(try tried == [2048])
    #expect(try machine.runs == [])
  }

  @Test func `an interrupted search ends QEMU, and leaves no directory`() throws {
    try machine.qemu("echo $$ > pid; kill -INT $PPID; exec sleep 60")
    #expect(try machine.leastMemory().status == 130)
    #expect(try !machine.isRunning())
    #expect(try machine.runs == [])
  }

  @Test func `an option of boot is none of least-memory, nor the other way round`() throws {
    #expect(try machine.boot("--resolution", "8").status == 64)
    #expect(try machine.leastMemory("--keep").status == 64)
    #expect(try machine.leastMemory("--log", "log").status == 64)
  }

  @Test func `debian:SERIES is what the script fetches, in boot, inspect and unpack`() throws {
    try machine.qemu(FakeMachine.check)
    try machine.directory.file(
      "fetch-kernels",
      Array("echo \"$*\" >> names; echo 'fetch-kernels: downloading' >&2; echo vmlinuz".utf8))
    try machine.directory.file("vmlinuz", x86Kernel(release: "6.1.9"))
    let boot = try machine.leafroot("boot", "image", "--kernel", "debian:6.1", "--arch", "x86_64")
    #expect(boot.status == 0)
    #expect(boot.errors.hasPrefix("leafroot: downloading\nleafroot: booting vmlinuz:"))

    let inspect = try machine.leafroot("inspect", "image", "--kernel", "debian:6.1-generic-x86_64")
    #expect(inspect.status == 0)
    #expect(inspect.output.contains("\nkernel\tLinux 6.1.9\n"))
    #expect(try machine.leafroot("unpack", "image", "tree", "--kernel", "debian:6.1").status == 0)
    #expect(
      String(decoding: try machine.directory.bytes("names"), as: UTF8.self)
        == "--path 6.1-x86_64\n--path 6.1-generic-x86_64\n--path 6.1-x86_64\n")
  }

  @Test func `a kernel that cannot be fetched is an error with the reason, once`() throws {
    try machine.directory.file(
      "fetch-kernels",
      Array(
        "for line in downloading 'error: no network'; do echo \"fetch-kernels: $line\" >&2; done; exit 1"
          .utf8))
    let result = try machine.leafroot("boot", "image", "--kernel", "debian:6.1")
    #expect(result.status == 2)
    #expect(result.errors == "leafroot: downloading\nleafroot: debian:6.1: no network\n")
  }

  @Test func `an interrupted download ends the script, and gives 130`() throws {
    try machine.directory.file(
      "fetch-kernels", Array("echo $$ > pid; kill -INT $PPID; exec sleep 60".utf8))
    #expect(try machine.leafroot("boot", "image", "--kernel", "debian:6.1").status == 130)
    #expect(try !machine.isRunning())
  }
}
