extension SeededGenerator {
    mutating func number(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &self) }

    mutating func oneIn(_ count: Int) -> Bool { number(1...count) == 1 }

    mutating func element<Element>(of elements: [Element]) -> Element {
        elements[Int(truncatingIfNeeded: next() % UInt64(elements.count))]
    }
}
