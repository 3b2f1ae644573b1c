// SPDX-License-Identifier: MIT

import CLinux

/// A lock with a condition variable. pthread_mutex_lock(3), pthread_cond_wait(3).
///
/// Its pointers never change, and what they point to is thread-safe.
public final class Monitor: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  public init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  public func lock() { pthread_mutex_lock(mutex) }
  public func unlock() { pthread_mutex_unlock(mutex) }
  /// Releases the lock until something has changed.
  public func wait() { pthread_cond_wait(condition, mutex) }
  /// Wakes one waiting thread.
  public func signal() { pthread_cond_signal(condition) }
  /// Wakes all waiting threads.
  public func broadcast() { pthread_cond_broadcast(condition) }

  /// Performs `body` under the lock.
  @inline(__always)
  public func withLock<Result>(_ body: () -> Result) -> Result {
    lock()
    defer { unlock() }
    return body()
  }
}
