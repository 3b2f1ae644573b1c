// SPDX-License-Identifier: MIT

package import BootFacts
import CLinux
import Leaf

/// Runs the program. As PID 1: makes the leaf. On a running system: `check [--json]`.
///
/// - Returns: its exit status.
package func start(
  _ count: Int32, _ arguments: Parameters.Vector, _ environment: Parameters.Vector
) -> Int32 {
  Trap.arm()
  occupyStandardDescriptors()

  if getpid() == 1, let own = arguments.pointee, matches(own, Vocabulary.checkPath) {
    Probe().run()
    return 1
  }
  // The arguments from the kernel are for the real init.
  let proc = Proc()
  if !LinuxFacts.isInit(proc), count >= 2, let verb = arguments[1], matches(verb, "check") {
    let isJson = count == 3 && arguments[2].map { matches($0, "--json") } ?? false
    return check(proc, asJson: isJson, count)
  }
  // COMMAND_LINE_SIZE is 2,048 on most machines, 65,536 at most (arch/*/include).
  let commandLine = proc.read(Text("cmdline"), longest: 1 << 20) ?? []
  let parameters = Parameters(
    arguments: arguments, environment: environment, commandLine: commandLine)
  var start = Init(parameters, proc)
  return start.run()
}

/// If the kernel has opened no console, occupies descriptors 0 to 2 until the real init runs:
/// otherwise another file would get these numbers.
private func occupyStandardDescriptors() {
  for descriptor: Int32 in 0...2 where linux_descriptor_flags(descriptor) < 0 {
    // This takes the lowest free descriptor.
    _ = linux_openat(AT_FDCWD, "/", LINUX_O_PATH | O_DIRECTORY, 0)
  }
}

private func check(_ proc: Proc, asJson: Bool, _ count: Int32) -> Int32 {
  guard count == 2 || asJson else {
    Text("usage: leafroot-init check [--json]\n").write(to: 2)
    return ExitStatus.usage
  }

  let check = Check(proc)
  var text = asJson ? check.json : check.report
  if asJson { text.add("}\n") }
  text.write(to: 1)
  return check.status
}
