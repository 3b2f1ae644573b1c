// SPDX-License-Identifier: MIT

import CLinux

/// As PID 1: the leaf. On a running system: `check [--json]`.
///
/// SwiftPM links an executable's `main` under this name.
@c(leafroot_init_main)
func main(_ count: Int32, _ arguments: Words.Vector, _ environment: Words.Vector) -> Int32 {
  let words = Words(arguments: arguments, environment: environment)

  if getpid() == 1, let own = arguments.pointee, matches(own, Probe.path) {
    Probe().run()
    return 1
  }
  // What the kernel gives its PID 1 as an argument is meant for the real init.
  let proc = Proc()
  if !LinuxFacts.isInit(proc), count >= 2, let verb = arguments[1], matches(verb, "check") {
    let isJson = count == 3 && arguments[2].map { matches($0, "--json") } ?? false
    return check(proc, asJson: isJson, count)
  }
  return Init(words, proc).run()
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
