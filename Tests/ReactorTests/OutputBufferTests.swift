import TestSupport
import Testing

@testable import Reactor

/// What waits for a peer, beside a model of it that keeps its three parts apart.
struct OutputBufferTests {
    private struct Model {
        var rest: [UInt8] = []
        var turn: [UInt8] = []
        var later: [UInt8] = []
        /// Whether `turn` takes nothing more.
        var turnIsClosed = false

        var isEmpty: Bool { rest.isEmpty && turn.isEmpty && later.isEmpty }

        mutating func append(_ bytes: [UInt8]) {
            if turnIsClosed { later += bytes } else { turn += bytes }
        }

        mutating func beginTurn() {
            turn += later
            later = []
            turnIsClosed = false
        }

        mutating func removeFirst(_ count: Int) {
            let fromRest = min(count, rest.count)
            rest.removeFirst(fromRest)
            turn.removeFirst(count - fromRest)
            if count > fromRest { turnIsClosed = true }
            if isEmpty { turnIsClosed = false }
        }
    }

    @Test func whatLeavesNextIsWhatAModelSays() {
        let seed = SeededGenerator().seed
        var random = SeededGenerator(seed: seed)
        for round in 0..<300 {
            var buffer = OutputBuffer()
            var model = Model()
            var next: UInt8 = 0
            func fresh() -> [UInt8] {
                (0..<Int.random(in: 1...40, using: &random)).map { _ in
                    next &+= 1
                    return next
                }
            }
            for step in 0..<200 {
                switch Int.random(in: 0..<10, using: &random) {
                case 0..<4:
                    let bytes = fresh()
                    unsafe bytes.withUnsafeBufferPointer { unsafe buffer.append($0) }
                    model.append(bytes)
                case 4 where model.rest.isEmpty && (model.turn.isEmpty || !model.turnIsClosed):
                    let bytes = fresh()
                    unsafe bytes.withUnsafeBufferPointer { unsafe buffer.insertRest($0) }
                    model.rest = bytes
                case 5:
                    buffer.beginTurn()
                    model.beginTurn()
                case 6 where model.rest.isEmpty && model.turn.isEmpty:
                    buffer.endTurn()
                    model.turnIsClosed = true
                default:
                    let leading = model.rest.count + model.turn.count
                    let count = Bool.random(using: &random) ? leading : Int.random(in: 0...leading, using: &random)
                    if count == 0 { break }
                    buffer.removeFirst(count)
                    model.removeFirst(count)
                }
                let place: Comment = "step \(step) of round \(round) of seed \(seed)"
                #expect(unsafe buffer.withUnsafeLeadingBytes { unsafe Array($0) } == model.rest + model.turn, place)
                #expect(buffer.ownCount == model.turn.count + model.later.count, place)
                #expect(buffer.count == buffer.ownCount + model.rest.count, place)
                #expect(buffer.isEmpty == model.isEmpty, place)
            }
        }
    }

    /// A peer that takes a megabyte byte by byte would cost minutes, were the rest moved each time.
    @Test func theBytesAreMovedSeldom() {
        var buffer = OutputBuffer()
        let bytes = pattern(1_000_000)
        unsafe bytes.withUnsafeBufferPointer { unsafe buffer.append($0) }
        buffer.beginTurn()
        var next: UnsafeRawPointer?
        var moves = 0
        for index in bytes.indices {
            let (address, first) = unsafe buffer.withUnsafeLeadingBytes { unsafe ($0.baseAddress, $0.first) }
            if first != bytes[index] { Issue.record("byte \(index) is another") }
            if unsafe address != next { moves += 1 }
            unsafe next = address.map { unsafe $0 + 1 }
            buffer.removeFirst(1)
        }
        #expect(buffer.isEmpty)
        #expect(moves <= 25)
    }
}
