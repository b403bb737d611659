import Synchronization

/// What tasks record, one element after the other, for a test that looks at it or waits for it.
public final class Record<Element: Sendable>: Sendable {
    private let content = Mutex<[Element]>([])

    public init() {}

    public func append(_ element: Element) { content.withLock { $0.append(element) } }

    public var elements: [Element] { content.withLock(\.self) }

    /// Waits for the first element.
    public func wait(for what: String) async throws -> Element {
        let deadline = ContinuousClock.now.advanced(by: patience)
        while true {
            if let first = elements.first { return first }
            if ContinuousClock.now > deadline { throw TimedOut(what) }
            try await Task.sleep(for: .milliseconds(1))
        }
    }
}
