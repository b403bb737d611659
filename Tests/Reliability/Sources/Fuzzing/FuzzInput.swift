/// An input, read from its front, as the decisions that a target has to take. Past its end everything is zero.
struct FuzzInput {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
        rest = bytes[...]
    }

    var isEmpty: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    mutating func flag() -> Bool { byte() & 1 == 1 }

    /// A number from 0 to less than `bound`, which is at most 256.
    mutating func number(below bound: Int) -> Int { Int(byte()) % bound }

    mutating func choose<Element>(_ choices: [Element]) -> Element { choices[number(below: choices.count)] }

    mutating func bytes(_ count: Int) -> [UInt8] {
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    /// The last bytes, at most so many, in the order in which they are.
    mutating func lastBytes(_ count: Int) -> [UInt8] {
        defer { rest = rest.dropLast(count) }
        return Array(rest.suffix(count))
    }
}
