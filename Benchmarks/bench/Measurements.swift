// SPDX-License-Identifier: MIT

import Glibc
import Machines

extension Bench {
  /// Guest time at the real init, counted in instructions.
  func times(
    _ variants: [Variant], _ image: ReferenceImage, jobs: Int
  ) async throws -> [Results.Time] {
    try await variants.concurrentMap(atMost: jobs) { variant in
      let boot = try await countingBoot(variant, image.bootImage, name: "time-\(variant.rawValue)")
      return Results.Time(
        variant: variant, uptime: boot.uptime, moved: boot.moved, kept: boot.reading?.kept,
        read: boot.reading?.uptime, problem: boot.problem)
    }
  }

  /// Guest times of a small image, several times each: our cost there is as small as the
  /// differences between boots, which wait for ticks of 4 ms.
  func smallTimes(_ small: ReferenceImage, jobs: Int) async throws -> Results.Small {
    let boots = (1...5).flatMap { round in [(Variant.stock, round), (.wrap, round)] }
    let measured = try await boots.concurrentMap(atMost: jobs) { variant, round in
      let boot = try await countingBoot(
        variant, small.bootImage, name: "small-\(variant.rawValue)-\(round)")
      return (variant, boot.uptime)
    }
    func uptimes(of variant: Variant) -> [Double] {
      measured.compactMap { $0.0 == variant ? $0.1 : nil }
    }
    return Results.Small(stock: uptimes(of: .stock), wrap: uptimes(of: .wrap))
  }

  /// Boots `image` as `variant`, counting instructions.
  ///
  /// - Parameter memory: In MiB.
  func countingBoot(
    _ variant: Variant, _ image: BootImage, memory: Int = 1024,
    timeout: Duration = .seconds(600), name: String
  ) async throws -> TimedBoot {
    var machine = try machine(variant, image)
    machine.countsInstructions = true
    machine.memory = memory
    machine.timeout = timeout
    say("\(name): counting instructions")
    let boot = try await boot(machine, variant, name: name)
    let result = boot.uptime.map { "\(fixed($0, 3)) s in the guest" } ?? boot.problem ?? ""
    say("\(name): \(result), after \(fixed(boot.seconds, 0)) s")
    return boot
  }

  /// Times the move on one processor and on two, alternating so that changes in the host's load
  /// affect both. Nothing else runs meanwhile.
  func processors(_ image: ReferenceImage, rounds: Int) async throws -> Results.Processors {
    var times: [Int: [Int]] = [1: [], 2: []]
    for round in 1...rounds {
      for count in [1, 2] {
        var machine = try machine(.wrap, image.bootImage)
        (machine.cpus, machine.emulatesInParallel) = (count, true)
        let boot = try await boot(machine, .wrap, name: "processors-\(count)")
        guard boot.problem == nil, let moved = boot.moved else {
          say("processors: round \(round), \(count) cpu: \(boot.problem ?? "no time in the log")")
          continue
        }
        say("processors: round \(round), \(count) cpu: moved in \(moved) ms")
        times[count]?.append(moved)
      }
    }
    var load = 0.0
    getloadavg(&load, 1)
    return Results.Processors(one: times[1] ?? [], two: times[2] ?? [], load: load)
  }

  /// The least memory that boots, with the kernel's default limits and with a larger rootfs.
  func leastMemory(
    _ variants: [Variant], _ image: ReferenceImage, jobs: Int
  ) async throws -> [Results.Memory] {
    let series = [nil, "size=90%"].flatMap { options in variants.map { ($0, options) } }
    return try await series.concurrentMap(atMost: jobs) { variant, options in
      let least = try await leastMemory(variant, image, options: options)
      let name = "memory-\(variant.rawValue)" + (options.map { " \($0)" } ?? "")
      say("\(name): least \(least.map { "\($0) MiB" } ?? "not found")")
      return Results.Memory(variant: variant, options: options, mebibytes: least)
    }
  }

  private func leastMemory(
    _ variant: Variant, _ image: ReferenceImage, options: String?
  ) async throws -> Int? {
    let series = "memory-\(variant.rawValue)-\(options == nil ? "default" : "large")"
    return try await LeastMemorySearch(within: 112...1024, step: 16).find { mebibytes in
      var machine = try machine(variant, image.bootImage, options: options)
      machine.memory = mebibytes
      machine.timeout = .seconds(300)
      let name = "\(series)-\(mebibytes)"
      let boot = try await boot(machine, variant, name: name)
      say("\(name): \(boot.problem ?? "boots")")
      return boot.problem == nil
    }
  }
}
