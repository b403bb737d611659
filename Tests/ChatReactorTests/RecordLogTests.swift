import TestSupport
import Testing

@testable import ChatReactor

/// A log of records holds the newest ones, whole and in order, and a reader can come back to its place.
struct RecordLogTests {
    @Test func agreesWithAnArrayThatForgetsNothing() {
        let base = SeededGenerator()
        for offset in 0..<30 {
            var random = SeededGenerator(seed: base.seed &+ UInt64(offset))
            let capacity = [1, 4_096, 5_000, 12_288, 65_536].randomElement(using: &random)!
            if !Self.agrees(capacity: capacity, using: &random) {
                Issue.record("CHATREACTOR_SEED=\(random.seed) has it again at once")
                return
            }
        }
    }

    private static func agrees(capacity: Int, using random: inout SeededGenerator) -> Bool {
        let log = RecordLog(capacity: capacity)
        var model = RecordModel(capacity: log.capacity)
        var reader = (place: log.end, next: 0, missed: UInt64(0))
        for _ in 0..<Int.random(in: 1...300, using: &random) {
            let entry = model.randomEntry(using: &random)
            guard log.append(entry) == entry.sequence else { return false }
            model.append(entry)
            let kept = Array(model.kept)
            guard log.firstSequence == kept[0].sequence, log.nextSequence == entry.sequence + 1 else { return false }

            // A reader that is slower than the log, now and then.
            if Int.random(in: 0..<20, using: &random) == 0 {
                let limit = Int.random(in: 0...40, using: &random)
                let (entries, next, missed) = log.entries(from: reader.place, limit: limit)
                let start = limit == 0 ? reader.next : max(reader.next, model.first)
                guard missed == UInt64(start - reader.next) else { return false }
                guard entries == Array(model.entries[start...].prefix(limit)) else { return false }
                reader = (next, start + entries.count, missed)
            }
            // The last few that people have said.
            let count = Int.random(in: -1...30, using: &random)
            let said = kept.filter { $0.kind.isSaid }.suffix(max(count, 0))
            let expected = said.first?.sequence ?? log.nextSequence
            guard log.place(ofLast: count, where: \.isSaid).sequence == expected else { return false }
            // A number that a client names, which may be one of the future or of the past.
            let number = UInt64.random(in: 0...log.nextSequence + 3, using: &random)
            let (entries, _, missed) = log.entries(from: log.place(of: number), limit: 3)
            guard entries == Array(kept.drop { $0.sequence < number }.prefix(3)) else { return false }
            guard missed == (number < log.firstSequence ? log.firstSequence - number : 0) else { return false }
        }
        return log.entries == Array(model.kept)
    }

    @Test func aReaderGoesOnWhereItWasWhateverWasAppended() {
        let log = RecordLog(capacity: 65_536)
        var place = log.end
        var heard: [UInt64] = []
        for number in 1...500 {
            log.append(.message, from: "ana", text: "\(number)", time: 0)
            if number % 7 != 0 { continue }
            // As a replay that is paced: two at a time, and the log grows faster.
            var left = 2
            (place, _) = log.read(from: place) { record in
                #expect(record.text == "\(record.sequence)")
                heard.append(record.sequence)
                left -= 1
                return left > 0
            }
        }
        (place, _) = log.read(from: place) {
            heard.append($0.sequence)
            return true
        }
        #expect(heard == Array(1...500))
        #expect(place.sequence == 501)
    }

    @Test func whatWasOverwrittenMeanwhileIsCountedExactly() {
        let log = RecordLog(capacity: 4_096)
        log.append(.message, from: "ana", text: "the first", time: 0)
        let place = log.place(of: 1)
        let later = log.end
        for _ in 0..<1_000 { log.append(.message, from: "ana", text: "one of many", time: 0) }
        #expect(log.read(from: place) { _ in false }.missed == log.firstSequence - 1)
        #expect(log.read(from: later) { _ in false }.missed == log.firstSequence - 2)
        #expect(log.forEach(from: 10) { _ in false } == log.firstSequence - 10)
        #expect(log.forEach(from: log.firstSequence) { _ in false } == 0)
    }

    @Test func aRecordThatIsTooLongIsRefusedAndChangesNothing() {
        let log = RecordLog(capacity: 8_192)
        log.append(.notice, from: "", text: "here", time: 1)
        let longest = log.maximumContentLength
        #expect(longest == 8_192 / 4 - 36)
        #expect(log.append(.message, from: "ana", text: String(repeating: "x", count: longest - 2), time: 2) == nil)
        #expect(log.entries.map(\.time) == [1])
        #expect(log.append(.message, from: "ana", text: String(repeating: "x", count: longest - 3), time: 3) == 2)
        #expect(log.entries.map(\.time) == [1, 3])

        // Also where the ring had room for it.
        let large = RecordLog(capacity: 1 << 20)
        #expect(large.append(.message, from: String(repeating: "x", count: 65_536), text: "", time: 0) == nil)
        #expect(large.append(.message, from: String(repeating: "x", count: 65_535), text: "", time: 0) == 1)
    }

    @Test func whatIsLentToAReaderStaysWhereItIs() async {
        await #expect(processExitsWith: .failure) {
            let log = RecordLog(capacity: 4_096)
            log.append(.message, from: "ana", text: "hello", time: 0)
            log.forEach(from: 1) { record in
                // Reading in between is possible, and does not end the reading around it.
                log.forEach(from: 1) { _ in true }
                return log.append(.message, from: record.from, text: record.text, time: 0) != nil
            }
        }
    }

    @Test func takesOnlyWhatItUses() {
        let log = RecordLog(capacity: 1 << 20)
        #expect(log.allocatedBytes == 0)
        #expect(log.entries.isEmpty && log.place(ofLast: 20, where: \.isSaid).sequence == 1)
        #expect(log.allocatedBytes == 0, "to read an empty log takes nothing")
        log.append(.message, from: "ana", text: "hello", time: 0)
        #expect(log.allocatedBytes <= 256)
        var used = 0
        for _ in 0..<10_000 {
            log.append(.message, from: "ana", text: "hello", time: 0)
            used = min(used + 48, log.capacity)
            #expect(log.allocatedBytes <= max(256, 2 * used + 256))
        }
        for _ in 0..<20_000 { log.append(.message, from: "ana", text: "hello", time: 0) }
        #expect(log.allocatedBytes == log.capacity)
    }

    @Test(arguments: [(Int.min, 4_096), (0, 4_096), (4_097, 8_192), (.max, 1 << 30)])
    func anyCapacityIsMadePossible(_ asked: Int, _ capacity: Int) {
        #expect(RecordLog(capacity: asked).capacity == capacity)
    }

    @Test func theNumbersOfKindsAreAFileFormat() {
        let numbers = ChatReactor.Record.Kind.allCases.map { "\($0) \($0.rawValue)" }
        #expect(numbers == ["message 1", "action 2", "join 3", "leave 4", "rename 5", "topic 6", "notice 7"])
    }

    @Test func anotherLogsPlaceIsLookedForByItsNumber() {
        let first = RecordLog(capacity: 4_096)
        let second = RecordLog(capacity: 4_096)
        var random = SeededGenerator()
        for _ in 0..<300 {
            first.append(RecordModel(capacity: 4_096).randomEntry(using: &random))
            second.append(RecordModel(capacity: 4_096).randomEntry(using: &random))
            for sequence in second.firstSequence...second.nextSequence {
                var found: UInt64?
                first.read(from: second.place(of: sequence)) {
                    found = $0.sequence
                    return false
                }
                #expect(found == (sequence < first.nextSequence ? max(sequence, first.firstSequence) : nil))
            }
        }
        #expect(first.epoch != second.epoch)
    }

    /// RFC 3720 has these in its appendix B.4.
    @Test func theChecksumIsTheOneThatOthersHave() {
        func checksum(_ bytes: [UInt8]) -> UInt32 { unsafe bytes.withUnsafeBytes { unsafe CRC32C.checksum(of: $0) } }
        #expect(checksum([]) == 0)
        #expect(checksum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(checksum([UInt8](repeating: 255, count: 32)) == 0x62A8_AB43)
        #expect(checksum(Array(0..<32)) == 0x46DD_794E)
        let bytes = [UInt8](0..<77)
        let start = checksum(Array(bytes[..<13]))
        let rest = unsafe bytes[13...].withUnsafeBytes { unsafe CRC32C.checksum(of: $0, startingFrom: start) }
        #expect(rest == checksum(bytes))
    }
}
