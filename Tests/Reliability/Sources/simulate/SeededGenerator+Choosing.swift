extension SeededGenerator {
    mutating func number(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &self) }

    mutating func oneIn(_ count: Int) -> Bool { number(1...count) == 1 }

    mutating func element<Element>(of elements: [Element]) -> Element {
        elements[Int(truncatingIfNeeded: next() % UInt64(elements.count))]
    }

    /// An element, the likelier the more it weighs; nil if all together weigh nothing.
    mutating func element<Element>(ofWeighted elements: [(weight: Int, element: Element)]) -> Element? {
        var pick = number(0...max(elements.reduce(0) { $0 + $1.weight } - 1, 0))
        for (weight, element) in elements {
            if pick < weight { return element }
            pick -= weight
        }
        return nil
    }
}
