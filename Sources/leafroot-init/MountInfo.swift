// SPDX-License-Identifier: MIT

import CLinux

/// How the root directory of this process is mounted: proc_pid_mountinfo(5).
struct RootMount {
  let id: Int
  /// The id of the mount it lies on; its own if it is the root of the mount tree.
  let parent: Int
  let options: [UInt8]
  let type: [UInt8]

  /// nil if the kernel does not tell.
  init?(_ proc: Proc) {
    guard let id = Self.mountId(proc), let table = proc.read(Text("self/mountinfo")) else {
      return nil
    }

    for line in table.split(separator: 0x0a) {
      let fields = line.split(separator: 0x20)
      // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw
      guard fields.count >= 9, let own = number(fields[0]), own == id,
        let parent = number(fields[1]),
        let dash = fields.firstIndex(where: { $0.elementsEqual([0x2d]) }), dash + 1 < fields.count
      else { continue }

      self.id = id
      self.parent = parent
      options = Array(fields[5])
      type = Array(fields[dash + 1])
      return
    }
    return nil
  }

  /// Which of the mounts called "/" is ours: mounts may be stacked.
  private static func mountId(_ proc: Proc) -> Int? {
    let root = linux_openat(AT_FDCWD, "/", LINUX_O_PATH | O_DIRECTORY, 0)
    if root < 0 { return nil }
    defer { close(root) }

    var path = Text("self/fdinfo/")
    path.add(Int(root))
    for line in proc.read(path)?.split(separator: 0x0a) ?? [] where line.starts(with: "mnt_id:") {
      return number(line.dropFirst(7).drop { $0 == 0x09 || $0 == 0x20 })
    }
    return nil
  }
}

/// A decimal number, nil if it is none.
func number(_ digits: ArraySlice<UInt8>) -> Int? {
  if digits.isEmpty || digits.count > 18 { return nil }
  var value = 0
  for digit in digits {
    guard digit >= 48, digit <= 57 else { return nil }
    value = value * 10 + Int(digit - 48)
  }
  return value
}
