import Synchronization
import TestSupport

/// What tasks note down, one thing after the other, for a test that looks at it or waits for it.
final class Record<Element: Sendable>: Sendable {
    private let noted = Mutex<[Element]>([])

    func append(_ element: Element) { noted.withLock { $0.append(element) } }

    var elements: [Element] { noted.withLock(\.self) }

    /// Waits for the first of what is noted.
    func wait(for what: String) async throws -> Element {
        let deadline = ContinuousClock.now.advanced(by: patience)
        while true {
            if let first = elements.first { return first }
            if ContinuousClock.now > deadline { throw TimedOut(what) }
            try await Task.sleep(for: .milliseconds(1))
        }
    }
}
