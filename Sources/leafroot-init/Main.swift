// SPDX-License-Identifier: MIT

import CLinux

/// As PID 1: the leaf. On a running system: `check [--json]`.
///
/// SwiftPM links an executable's `main` under this name.
@c(leafroot_init_main)
func main(_ count: Int32, _ arguments: Words.Vector, _ environment: Words.Vector) -> Int32 {
  let words = Words(arguments: arguments, environment: environment)

  guard getpid() != 1 else {
    if let own = arguments.pointee, matches(own, Probe.path) {
      Probe().run()
      return 1
    }
    return Init(words).run()
  }

  if count >= 2, let verb = arguments[1], matches(verb, "check") {
    return check(asJson: count == 3 && arguments[2].map { matches($0, "--json") } ?? false, count)
  }
  return Init(words).run()
}

private func check(asJson: Bool, _ count: Int32) -> Int32 {
  guard count == 2 || asJson else {
    Text("usage: leafroot-init check [--json]\n").write(to: 2)
    return ExitStatus.usage
  }

  let proc = Proc()
  let check = Check(proc)
  var text = asJson ? check.json : check.report
  if asJson { text.add("}\n") }
  text.write(to: 1)
  return check.status
}
