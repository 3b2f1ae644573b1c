// SPDX-License-Identifier: MIT

import Files
import Images
import Machines
import SystemPackage

/// The memory that a guest uses at one moment of its boot.
struct MemorySample: Codable {
  /// Guest time.
  var seconds: Double
  /// Memory in MiB that is not free in the kernel's page allocator.
  var used: Double
}

/// The physical addresses of the kernel's counters.
struct KernelCounters {
  /// mm/vmstat.c, vm_zone_stat[NR_FREE_PAGES], the first element (include/linux/mmzone.h).
  private let freePages: UInt64
  /// kernel/time/timer.c.
  private let jiffies: UInt64
  /// Debian's CONFIG_HZ.
  private static let ticksPerSecond = 250.0
  /// include/linux/jiffies.h, INITIAL_JIFFIES: five minutes before a 32-bit counter overflows.
  private static let firstTick = UInt64(UInt32.max) + 1 - 300 * 250

  static let command = [
    "/bin/busybox", "sh", "-c",
    "busybox mount -t proc proc /proc; busybox grep -wE 'vm_zone_stat|jiffies_64' /proc/kallsyms",
  ]

  /// Parses what ``command`` prints under `nokaslr`; nil if a symbol is missing.
  init?(_ symbols: String) {
    var addresses: [Substring: UInt64] = [:]
    for line in symbols.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 3 { addresses[words[2]] = UInt64(words[0], radix: 16) }
    }
    // arch/x86/include/asm/page_64_types.h, __START_KERNEL_map.
    let map: UInt64 = 0xFFFF_FFFF_8000_0000
    guard let free = addresses["vm_zone_stat"], let jiffies = addresses["jiffies_64"],
      free > map, jiffies > map
    else { return nil }
    (freePages, self.jiffies) = (free - map, jiffies - map)
  }

  /// Samples a machine until it ends.
  ///
  /// - Parameter memory: The machine's memory, in MiB.
  func samples(_ socket: FilePath, memory: Int) async throws -> [MemorySample] {
    var connection = QEMUMonitor(socket)
    while connection == nil {
      try await Task.sleep(for: .milliseconds(10))
      connection = QEMUMonitor(socket)
    }
    guard let monitor = connection.take() else { return [] }

    var samples: [MemorySample] = []
    while let ticks = monitor.word(at: jiffies), let free = monitor.word(at: freePages) {
      // Before the kernel is unpacked, other data is there; after that, the allocator has no memory
      // at first.
      if ticks >= Self.firstTick, free > 0, free < UInt64(memory) * 256 {
        let seconds = Double(ticks - Self.firstTick) / Self.ticksPerSecond
        if seconds > samples.last?.seconds ?? -1 {
          samples.append(MemorySample(seconds: seconds, used: Double(memory) - Double(free) / 256))
        }
      }
      try await Task.sleep(for: .milliseconds(5))
    }
    // At first, the kernel gives memory to its allocator piece by piece.
    let least = samples.indices.min { samples[$0].used < samples[$1].used }
    return Array(samples[(least ?? 0)...])
  }
}

/// The samples of a boot.
struct MemoryCurve: Codable {
  var variant: Variant
  var samples: [MemorySample]

  /// MiB over seconds.
  var line: LineChart.Line {
    LineChart.Line(variant: variant, points: samples.map { ($0.seconds, $0.used) })
  }
}

extension Bench {
  /// Samples the memory of boots with 1 GiB, counting instructions.
  func memoryCurves(
    _ variants: [Variant], _ images: ReferenceImages, in directory: RunDirectory
  ) async throws -> [MemoryCurve] {
    let counters = try await counters(images.small, in: directory)
    var curves: [MemoryCurve] = []
    for variant in variants {
      say("memory over time: \(variant.rawValue)")
      var machine = try machine(variant, images.image.bootImage)
      machine.parameters.append("nokaslr")
      machine.countsInstructions = true
      machine.monitor = directory.path.appending("\(variant.rawValue).monitor")
      let (socket, memory) = (machine.monitor!, machine.memory)
      async let samples = counters.samples(socket, memory: memory)
      let boot = try await boot(machine, variant, name: "samples-\(variant.rawValue)")
      if let problem = boot.problem { throw FileError(machine.kernel.path, problem) }
      // The real init's command reads the whole tree, which is not part of the boot.
      let end = boot.uptime ?? .infinity
      curves.append(
        MemoryCurve(variant: variant, samples: try await samples.filter { $0.seconds <= end }))
    }
    return curves
  }

  private func counters(
    _ small: ReferenceImage, in directory: RunDirectory
  ) async throws -> KernelCounters {
    var boot = CheckedBoot([try Image(path: small.bootImage.plain)], program: program)
    boot.command = KernelCounters.command
    boot.append = ["nokaslr"]
    let machine = try boot.machine(kernel: kernel, in: directory)
    let run = try await machine.run(log: directory.log, accelerator: .tcg)
    guard let counters = KernelCounters(run.console.lines.joined(separator: "\n")) else {
      throw FileError(kernel.path, "has no symbol vm_zone_stat or jiffies_64")
    }
    return counters
  }
}
