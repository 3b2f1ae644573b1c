// SPDX-License-Identifier: MIT

/// Hands values from one thread to another, in order, and holds at most `capacity` of them.
public final class BoundedQueue<Element> {
  private let monitor = Monitor()
  private let capacity: Int

  // Guarded by `monitor`.
  private var waiting: [Element?]
  private var first = 0
  private var count = 0
  private var isClosed = false

  public init(capacity: Int) {
    self.capacity = capacity
    waiting = Array(repeating: nil, count: capacity)
  }

  /// Adds `element`, waiting until there is room.
  ///
  /// - Returns: false if the queue is closed and `element` was dropped.
  @discardableResult
  public func put(_ element: Element) -> Bool {
    monitor.lock()
    defer { monitor.unlock() }
    while count == capacity, !isClosed { monitor.wait() }
    if isClosed { return false }
    waiting[(first + count) % capacity] = element
    count += 1
    monitor.broadcast()
    return true
  }

  /// Takes the oldest element, waiting until there is one.
  ///
  /// - Returns: nil if the queue is closed and empty.
  public func take() -> Element? {
    monitor.lock()
    defer { monitor.unlock() }
    while count == 0, !isClosed { monitor.wait() }
    guard count > 0, let element = waiting[first].take() else { return nil }
    first = (first + 1) % capacity
    count -= 1
    monitor.broadcast()
    return element
  }

  /// Closes the queue and ends all waits. Its elements can still be taken, but none can be added.
  public func close() {
    monitor.lock()
    isClosed = true
    monitor.broadcast()
    monitor.unlock()
  }
}
