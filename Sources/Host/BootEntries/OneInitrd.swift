// SPDX-License-Identifier: MIT

import Files

/// The images for a loader that takes a single file: several images are concatenated first.
struct OneInitrd {
  /// The path of the file.
  let path: String
  /// The shell command that writes it, with `&&`; empty if the file exists.
  let command: String

  init(_ initrds: [BootEntry.Initrd]) {
    if initrds.count == 1 {
      path = initrds[0].path
      command = ""
      return
    }
    var name = "leafroot-initrd.img"
    while initrds.contains(where: { $0.path == name || $0.name == name }) { name = "new-" + name }
    path = name

    var steps: [String] = []
    var files: [String] = []
    for (number, initrd) in initrds.enumerated() {
      files.append(shellQuoted(initrd.path))
      let zeros = number == initrds.count - 1 ? 0 : Self.zeros(after: initrd.size)
      if zeros == 0 { continue }
      steps += ["cat \(files.joined(separator: " "))", "head -c \(zeros) /dev/zero"]
      files = []
    }
    steps.append("cat \(files.joined(separator: " "))")
    let all = steps.count == 1 ? steps[0] : "{ \(steps.joined(separator: "; ")); }"
    command = "\(all) >\(name) &&\n"
  }

  /// The number of zero bytes to put between an image of this size and the next: a raw archive must
  /// start at a multiple of 4, and the lz4 reader of kernels before 5.14 reads four bytes past its
  /// member. Raw archives are padded to blocks of 512 bytes.
  private static func zeros(after size: Int64) -> Int64 { size % 512 == 0 ? 0 : (-size & 3) + 4 }
}
