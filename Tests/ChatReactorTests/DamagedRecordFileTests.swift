import Glibc
import TestSupport
import Testing

@testable import ChatReactor

/// Whatever a power failure, a failing disk or the end of the process at any instruction leaves of a log's file: what is read from it
/// was appended, in order and whole, and what is lost is counted.
struct DamagedRecordFileTests {
    /// A log's file at one time, and what it held.
    private struct Snapshot {
        var image: RecordFileImage
        var model: RecordModel
    }

    /// Appends records to a new log, and takes a snapshot after each that is asked for. In every other log all records have 64 bytes, so
    /// that old and new ones lie beside each other without a seam.
    private func snapshots(
        of file: TemporaryPath, capacity: Int, records: Int, using random: inout SeededGenerator,
        isTaken: (Int) -> Bool
    ) throws -> [Snapshot] {
        let log = try RecordLog(file: file.path, capacity: capacity, boot: thisBoot)
        var model = RecordModel(capacity: capacity)
        var snapshots: [Snapshot] = []
        let length = Bool.random(using: &random) ? 64 - 36 : nil
        for number in 1...records {
            let entry = model.randomEntry(length: length, using: &random)
            log.append(entry)
            model.append(entry)
            if isTaken(number) { snapshots.append(Snapshot(image: try RecordFileImage(of: file), model: model)) }
        }
        return snapshots
    }

    /// Opens what is left, and checks that it is some of what was appended; that it can be appended to; and that it then opens in order.
    private func open(
        _ image: RecordFileImage, at file: TemporaryPath, boot: [UInt8], of model: RecordModel
    ) throws -> (entries: [RecordModel.Entry], lostCount: UInt64, epoch: UInt64)? {
        try file.write(image.bytes)
        let opened: (entries: [RecordModel.Entry], lostCount: UInt64, epoch: UInt64, next: UInt64)
        do {
            let log = try RecordLog(file: file.path, capacity: 0, boot: boot)
            opened = (log.entries, log.lostCount, log.epoch, log.nextSequence)
            log.append(.notice, from: "", text: "after all", time: 0)
        }
        let entries = opened.entries
        if let first = entries.first {
            let start = Int(first.sequence) - 1
            guard start + entries.count <= model.entries.count else { return nil }
            guard Array(model.entries[start..<start + entries.count]) == entries else { return nil }
        }
        let again = try RecordLog(file: file.path, capacity: 0, boot: boot)
        guard again.epoch == opened.epoch, again.lostCount == 0, again.nextSequence == opened.next + 1 else { return nil }
        guard again.entries.last?.text == Array("after all".utf8) else { return nil }
        guard again.entries.dropLast().elementsEqual(entries.suffix(again.entries.count - 1)) else { return nil }
        return (entries, opened.lostCount, opened.epoch)
    }

    @Test(arguments: [thisBoot, anotherBoot])
    func flippedBits(_ boot: [UInt8]) throws {
        let base = SeededGenerator()
        let file = TemporaryPath()
        for offset in 0..<150 {
            var random = SeededGenerator(seed: base.seed &+ UInt64(offset))
            let records = Int.random(in: 1...120, using: &random)
            let capacity = [4_096, 12_288].randomElement(using: &random)!
            unsafe unlink(file.path)
            let whole = try snapshots(of: file, capacity: capacity, records: records, using: &random) { $0 == records }[0]
            var damaged = whole.image
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let bit = Int.random(in: 4_096 * 8..<damaged.bytes.count * 8, using: &random)
                damaged.bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            }
            let result = try open(damaged, at: file, boot: boot, of: whole.model)
            let left = result?.entries.count { $0.sequence > whole.model.first }
            guard let result, let left, result.lostCount == UInt64(whole.model.kept.count - left),
                result.lostCount == 0 || result.epoch != whole.image[.epoch]
            else {
                Issue.record("CHATREACTOR_SEED=\(random.seed) has it again at once")
                return
            }
        }
    }

    /// One number that is wrong costs nothing: the others and the records tell. Several may agree with each other in a lie.
    @Test(arguments: [1, 4]) func flippedBitsInTheNumbersThatChange(_ numberCount: Int) throws {
        let base = SeededGenerator()
        let file = TemporaryPath()
        for offset in 0..<150 {
            var random = SeededGenerator(seed: base.seed &+ UInt64(offset))
            unsafe unlink(file.path)
            let whole = try snapshots(of: file, capacity: 4_096, records: 40, using: &random) { $0 == 40 }[0]
            var damaged = whole.image
            let number = 64 + 8 * Int.random(in: 0..<16, using: &random)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let bits = numberCount == 1 ? number * 8..<(number + 8) * 8 : 64 * 8..<192 * 8
                let bit = Int.random(in: bits, using: &random)
                damaged.bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            }
            let result = try open(damaged, at: file, boot: thisBoot, of: whole.model)
            guard let result, numberCount > 1 || result.entries.suffix(whole.model.kept.count) == whole.model.kept else {
                Issue.record("CHATREACTOR_SEED=\(random.seed) has it again at once")
                return
            }
        }
    }

    @Test func pagesOfDifferentTimes() throws {
        let base = SeededGenerator()
        let file = TemporaryPath()
        for offset in 0..<150 {
            var random = SeededGenerator(seed: base.seed &+ UInt64(offset))
            unsafe unlink(file.path)
            let capacity = [8_192, 32_768].randomElement(using: &random)!
            let records = Int.random(in: 2...200, using: &random)
            var generator = random
            let times = try snapshots(of: file, capacity: capacity, records: records, using: &random) { number in
                number == 1 || number == records || Int.random(in: 0..<20, using: &generator) == 0
            }
            let old = times.randomElement(using: &random)!
            let new = times.last!
            var mixed = old.image
            for page in stride(from: 0, to: mixed.bytes.count, by: 4_096) where Bool.random(using: &random) {
                mixed.bytes.replaceSubrange(page..<page + 4_096, with: new.image.bytes[page..<page + 4_096])
            }
            let isWhole = mixed == old.image || mixed == new.image
            guard let result = try open(mixed, at: file, boot: anotherBoot, of: new.model), !isWhole || result.lostCount == 0,
                result.epoch != old.image[.epoch]
            else {
                Issue.record("CHATREACTOR_SEED=\(random.seed) has it again at once")
                return
            }
        }
    }

    @Test func anotherPowerFailureAfterSomeWereCutOffBringsNoneOfThemBack() throws {
        let file = TemporaryPath()
        // Records of one length: whatever takes the place of one that was cut off is followed by the next of those, if that is still there.
        func record(_ log: RecordLog, _ text: String) { log.append(.message, from: "ana", text: text, time: 0) }
        do {
            let log = try RecordLog(file: file.path, capacity: 8_192, boot: thisBoot)
            for number in 1...100 { record(log, "before \(1_000 + number)") }
        }
        var image = try RecordFileImage(of: file)
        image.bytes[4_096 + 80 * 56 + 40] ^= 1
        try file.write(image.bytes)
        do {
            let log = try RecordLog(file: file.path, capacity: 0, boot: thisBoot)
            #expect(log.nextSequence == 81 && log.lostCount == 20)
            record(log, "after  1081")
        }
        let log = try RecordLog(file: file.path, capacity: 0, boot: anotherBoot)
        #expect(log.nextSequence == 82 && log.lostCount == 0)
    }

    @Test func theEndOfTheProcessAtAnyInstruction() throws {
        let base = SeededGenerator()
        let file = TemporaryPath()
        for offset in 0..<40 {
            var random = SeededGenerator(seed: base.seed &+ UInt64(offset))
            unsafe unlink(file.path)
            let capacity = [4_096, 12_288].randomElement(using: &random)!
            let records = Int.random(in: 2...120, using: &random)
            let times = try snapshots(of: file, capacity: capacity, records: records, using: &random) { $0 >= records - 1 }
            let (before, after) = (times[0], times[1])
            for stores in 0...5 {
                var image = before.image
                if stores >= 1 { image[.firstSequence] = after.image[.firstSequence] }
                if stores >= 2 { image[.first] = after.image[.first] }
                for index in 4_096..<image.bytes.count where stores > 3 || (stores == 3 && Bool.random(using: &random)) {
                    image.bytes[index] = after.image.bytes[index]
                }
                if stores >= 4 { image[.tail] = after.image[.tail] }
                if stores >= 5 { image[.nextSequence] = after.image[.nextSequence] }
                let start = stores >= 2 ? after.model.first : before.model.first
                let expected = Array(after.model.entries[start..<(stores >= 4 ? records : records - 1)])
                let result = try open(image, at: file, boot: thisBoot, of: after.model)
                guard let result, result.entries == expected, result.lostCount == 0, result.epoch == before.image[.epoch] else {
                    Issue.record("after \(stores) stores: CHATREACTOR_SEED=\(random.seed) has it again at once")
                    return
                }
            }
        }
    }

    @Test func bytesThatAreAnything() throws {
        var random = SeededGenerator()
        let file = TemporaryPath()
        for _ in 0..<100 {
            unsafe unlink(file.path)
            let whole = try snapshots(of: file, capacity: 4_096, records: 1, using: &random) { _ in true }[0]
            var image = whole.image
            let start = Int.random(in: 64..<image.bytes.count, using: &random)
            for index in start..<image.bytes.count {
                image.bytes[index] = [0, 1, 8, 40, 128, 255].randomElement(using: &random)!
            }
            let result = try open(image, at: file, boot: thisBoot, of: whole.model)
            #expect(result != nil)
        }
    }
}
