// SPDX-License-Identifier: MIT

import CLinux

/// As many threads as there are processors, the one that made the crew among them, doing the work
/// that it hands out. On one processor no thread is started.
///
/// The threads share everything with the process: PID 1 must never unshare its `fs_struct`.
final class Crew {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  // Guarded by `mutex`.
  private var waiting: [FileMove?]
  private var first = 0
  private var count = 0
  private var busy = 0
  private var idle = 0
  private var isOver = false

  private var threads: [pthread_t] = []

  /// Each job that waits may keep a directory open in both trees.
  private static var queueLength: Int { 64 }

  /// - Parameter size: threads in all, the caller's included.
  init(size: Int) {
    waiting = Array(repeating: nil, count: Self.queueLength)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(changed, nil)

    for _ in 1..<max(size, 1) {
      guard let thread = start() else { break }
      threads.append(thread)
    }
  }

  deinit {
    mutex.deallocate()
    changed.deallocate()
  }

  /// How many may work: processors this process may run on. More than eight do not help, as the
  /// directories' locks are shared.
  static func sizeOfMachine() -> Int {
    var mask = [UInt](repeating: 0, count: 128)
    let length = linux_affinity(&mask, 1024)
    if length < 0 { return 1 }
    return min(mask.reduce(0) { $0 + $1.nonzeroBitCount }, 8)
  }

  /// Hands out a job. Does it here and now where no thread could do it sooner.
  func add(_ job: FileMove) {
    pthread_mutex_lock(mutex)
    if threads.isEmpty || count == waiting.count {
      pthread_mutex_unlock(mutex)
      job.perform()
      return
    }
    waiting[(first + count) % waiting.count] = job
    count += 1
    if idle > 0 { pthread_cond_signal(changed) }
    pthread_mutex_unlock(mutex)
  }

  /// Helps until no job is left, nor under way.
  func finish() {
    pthread_mutex_lock(mutex)
    while count > 0 || busy > 0 {
      if !takeOne() { wait() }
    }
    pthread_mutex_unlock(mutex)
  }

  /// Ends the threads. No job may be left.
  func dismiss() {
    pthread_mutex_lock(mutex)
    isOver = true
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(mutex)

    for thread in threads { pthread_join(thread, nil) }
    threads = []
  }

  private func start() -> pthread_t? {
    #if canImport(Glibc) || canImport(Musl)
      var thread = pthread_t()
    #else
      var thread: pthread_t? = nil
    #endif
    let result = pthread_create(
      &thread, nil,
      { crew in
        Unmanaged<Crew>.fromOpaque(crew!).takeUnretainedValue().work()
        return nil
      },
      Unmanaged.passUnretained(self).toOpaque())
    return result == 0 ? thread : nil
  }

  private func work() {
    pthread_mutex_lock(mutex)
    while !isOver {
      if !takeOne() { wait() }
    }
    pthread_mutex_unlock(mutex)
  }

  /// Does the job that has waited longest, without the lock; false if none waits.
  private func takeOne() -> Bool {
    guard count > 0, let job = waiting[first].take() else { return false }
    first = (first + 1) % waiting.count
    count -= 1
    busy += 1
    pthread_mutex_unlock(mutex)

    job.perform()

    pthread_mutex_lock(mutex)
    busy -= 1
    if busy == 0 && count == 0 { pthread_cond_broadcast(changed) }
    return true
  }

  private func wait() {
    idle += 1
    pthread_cond_wait(changed, mutex)
    idle -= 1
  }
}
