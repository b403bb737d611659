/// Elements that are taken out in the order in which they were put in.
struct Queue<Element> {
    private var elements: [Element] = []
    /// How many of `elements` have been removed already. Removing them one by one would move all others each time.
    private var removedCount = 0

    var isEmpty: Bool { elements.isEmpty }
    var count: Int { elements.count &- removedCount }
    var first: Element? { isEmpty ? nil : elements[removedCount] }
    var last: Element? { elements.last }

    subscript(index: Int) -> Element { elements[removedCount &+ index] }

    /// - Complexity: Amortized O(1).
    mutating func append(_ element: Element) { elements.append(element) }

    /// There must be one.
    mutating func replaceLast(with element: Element) { elements[elements.count &- 1] = element }

    /// Removes the oldest element, if there is one.
    ///
    /// - Complexity: Amortized O(1).
    mutating func removeFirst() {
        if isEmpty { return }
        removedCount &+= 1
        if removedCount == elements.count {
            self = Queue()
        } else if removedCount >= 64, removedCount >= elements.count / 2 {
            // At least as many elements have been removed as are moved now, so each is moved once at most, on average.
            elements.removeFirst(removedCount)
            removedCount = 0
        }
    }
}
