// SPDX-License-Identifier: MIT

import CLinux

/// A piece of work for a crew.
public protocol Job {
  func perform()
}

/// As many threads as there are processors, including the one that made the crew, that perform the
/// jobs it hands out. On one processor no thread is started.
///
/// The threads share everything with the process: PID 1 must never unshare its `fs_struct`.
public final class Crew<Work: Job> {
  private let monitor = Monitor()

  // Guarded by `monitor`.
  private var waiting: [Work?]
  private var first = 0
  private var count = 0
  private var busy = 0
  private var idle = 0
  private var isOver = false

  private var threads: [Thread] = []

  /// Each waiting job may keep a directory open in both trees.
  private static var queueLength: Int { 64 }

  /// - Parameter size: the number of threads, including the caller's.
  public init(size: Int) {
    waiting = Array(repeating: nil, count: Self.queueLength)
    for _ in 1..<max(size, 1) {
      // Not retained: the threads have ended before the crew is freed.
      let crew = Unmanaged.passUnretained(self)
      guard let thread = Thread({ crew.takeUnretainedValue().work() }) else { break }
      threads.append(thread)
    }
  }

  /// Hands out a job, or performs it here and now if no thread could do so sooner.
  public func add(_ job: Work) {
    monitor.lock()
    if threads.isEmpty || count == waiting.count {
      monitor.unlock()
      job.perform()
      return
    }
    waiting[(first + count) % waiting.count] = job
    count += 1
    if idle > 0 { monitor.signal() }
    monitor.unlock()
  }

  /// Helps until no job is waiting or being performed.
  public func finish() {
    monitor.lock()
    while count > 0 || busy > 0 {
      if !takeOne() { wait() }
    }
    monitor.unlock()
  }

  /// Ends the threads. No job may be left.
  public func dismiss() {
    monitor.lock()
    isOver = true
    monitor.broadcast()
    monitor.unlock()
    for thread in threads { thread.join() }
    threads = []
  }

  private func work() {
    monitor.lock()
    while !isOver {
      if !takeOne() { wait() }
    }
    monitor.unlock()
  }

  /// Performs the oldest waiting job, without the lock; returns false if there is none.
  private func takeOne() -> Bool {
    guard count > 0, let job = waiting[first].take() else { return false }
    first = (first + 1) % waiting.count
    count -= 1
    busy += 1
    monitor.unlock()

    job.perform()

    monitor.lock()
    busy -= 1
    if busy == 0 && count == 0 { monitor.broadcast() }
    return true
  }

  private func wait() {
    idle += 1
    monitor.wait()
    idle -= 1
  }
}

/// Returns the number of processors this process may run on, at most 8: more threads do not help,
/// as they share directory locks. sched_getaffinity(2).
public func processorCount() -> Int {
  var mask = [UInt](repeating: 0, count: 128)
  let length = linux_affinity(&mask, 1024)
  if length < 0 { return 1 }
  return min(mask.reduce(0) { $0 + $1.nonzeroBitCount }, 8)
}
