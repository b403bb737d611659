/// Those who wait until so much of what was asked for has its place in an order.
package struct PlaceWaiters {
    private var waiters: [(count: UInt64, body: () -> Void)] = []

    package init() {}

    package mutating func add(until count: UInt64, _ body: @escaping () -> Void) { waiters.append((count, body)) }

    /// Takes those who wait for no more than `count`: they are called after the access, since they may have others wait.
    package mutating func take(upTo count: UInt64) -> [() -> Void] {
        let due = waiters.filter { $0.count <= count }
        if !due.isEmpty { waiters.removeAll { $0.count <= count } }
        return due.map(\.body)
    }
}
