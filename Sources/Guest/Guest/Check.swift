// SPDX-License-Identifier: MIT

import BootFacts
import CLinux

/// The exit status.
enum ExitStatus {
  static var asPromised: Int32 { 0 }
  static var notALeaf: Int32 { 1 }
  static var leafOnly: Int32 { 2 }
  static var unknown: Int32 { 3 }
  static var usage: Int32 { 64 }
}

/// Checks the promise on a running system, and changes nothing: it makes the risky calls in child
/// processes with their own mount namespaces.
struct Check {
  let mount: Mount?

  /// The errno of pivot_root(2), 0 if it works.
  let pivot: Int32
  let below: Below?

  init(_ proc: Proc) {
    mount = proc.rootMount()
    pivot = Pivot.attempt()
    below = Below.look(proc)
  }

  private var isLeaf: Bool { mount.map { $0.id != $0.parent } ?? false }

  var status: Int32 {
    guard mount != nil, pivot != EPERM else { return ExitStatus.unknown }
    guard isLeaf, pivot == 0 else { return ExitStatus.notALeaf }
    guard let below, below.entries == 0, below.isSealed, below.mounts == 0 else {
      return ExitStatus.leafOnly
    }
    return ExitStatus.asPromised
  }

  /// The report for people.
  var report: Text {
    var text = Text("mount of /     ")
    if let mount {
      text.add(mount.type)
      text.add(", id ")
      text.add(mount.id)
      text.add(isLeaf ? " on " : ", the root of the mount tree")
      if isLeaf { text.add(mount.parent) }
      text.add(", ")
      text.add(mount.options)
    } else {
      text.add("cannot be read")
    }

    text.add("\npivot_root(2)  ")
    if pivot == 0 { text.add("works") } else { text.add(error: pivot) }

    text.add("\nbelow /        ")
    if let below {
      text.add(below.entries)
      text.add(below.isSealed ? " entries, sealed" : " entries, writable")
      if below.mounts > 0 { text.add(", also mounted elsewhere") }
    } else {
      text.add(isLeaf ? "not reachable" : "nothing: / is the root of the mount tree")
    }

    text.add("\nverdict        ")
    switch status {
    case ExitStatus.asPromised: text.add("a leaf, as promised\n")
    case ExitStatus.notALeaf: text.add("not a leaf: pivot_root and container runtimes fail\n")
    case ExitStatus.leafOnly:
      text.add("a leaf, but rootfs below it is not as promised\n")
    default: text.add("unknown: missing privileges, or mountinfo cannot be read\n")
    }
    return text
  }

  /// The report for machines: one object, on one line, without its closing brace.
  var json: Text {
    var text = Text("{")
    if let mount {
      text.add("\"mountId\":")
      text.add(mount.id)
      text.add(",\"parentId\":")
      text.add(mount.parent)
      text.add(",\"type\":\"")
      text.add(mount.type)
      text.add("\",\"options\":\"")
      text.add(mount.options)
      text.add("\",")
    }
    text.add("\"isLeaf\":")
    text.add(isLeaf ? "true" : "false")
    text.add(",\"pivotRoot\":\"")
    switch pivot {
    case 0: text.add("ok")
    case EINVAL: text.add("EINVAL")
    case EPERM: text.add("EPERM")
    default: text.add(error: pivot)
    }
    text.add("\",\"below\":")
    if let below {
      text.add("{\"entries\":")
      text.add(below.entries)
      text.add(",\"sealed\":")
      text.add(below.isSealed ? "true" : "false")
      text.add(",\"mounts\":")
      text.add(below.mounts)
      text.add("}")
    } else {
      text.add("null")
    }
    text.add(",\"asPromised\":")
    text.add(status == ExitStatus.asPromised ? "true" : "false")
    return text
  }
}
