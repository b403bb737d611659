import TestSupport
import Testing

@testable import ChatReactor

/// A word that is mistyped finds the one that was meant.
struct NearestWordTests {
    private static let commands = ["nick", "me", "msg", "reply", "who", "rooms", "join", "leave", "history", "help", "quit"]

    @Test(
        arguments: [
            ("nik", "nick"), ("nikc", "nick"), ("hlep", "help"), ("hepl", "help"), ("joinn", "join"), ("histroy", "history"),
            ("wo", "who"),
            ("mgs", "msg"), ("quitt", "quit"), ("room", "rooms"), ("help", "help"), ("x", nil), ("xyzzy", nil), ("", nil),
            ("foo", nil), ("🙂", nil),
        ] as [(String, String?)])
    func isFound(_ word: String, as meant: String?) {
        #expect(nearest(to: word, in: Self.commands) == meant)
    }

    @Test func theFirstOfSeveralIsTaken() {
        #expect(nearest(to: "bat", in: ["cat", "hat", "bats"]) == "cat")
        #expect(nearest(to: "bat", in: ["cat", "bat"]) == "bat")
        #expect(nearest(to: "bat", in: []) == nil)
    }

    @Test func aVeryLongWordIsNotComparedWithShortOnes() {
        #expect(nearest(to: String(repeating: "a", count: 1_000_000), in: Self.commands) == nil)
    }

    @Test func theDistanceIsThatOfTheDefinition() {
        var random = SeededGenerator()
        for _ in 0..<3_000 {
            let words = (0..<2).map { _ in
                String(decoding: random.bytes(.random(in: 0...6, using: &random), from: 97...99), as: UTF8.self)
            }
            let expected = Self.naiveDistance(Array(words[0]), Array(words[1]))
            #expect(editDistance(from: words[0], to: words[1]) == expected, "\(words)")
        }
    }

    /// What the last letters may have become, one thing after the other.
    private static func naiveDistance(_ one: [Character], _ other: [Character]) -> Int {
        guard let last = one.last, let otherLast = other.last else { return max(one.count, other.count) }
        let (front, otherFront) = (Array(one.dropLast()), Array(other.dropLast()))
        if last == otherLast { return naiveDistance(front, otherFront) }
        var distance = 1 + min(naiveDistance(front, otherFront), naiveDistance(front, other), naiveDistance(one, otherFront))
        if last == otherFront.last, otherLast == front.last {
            distance = min(distance, 1 + naiveDistance(front.dropLast(), otherFront.dropLast()))
        }
        return distance
    }
}
