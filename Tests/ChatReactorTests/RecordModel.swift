import TestSupport

@testable import ChatReactor

/// What a log must hold, as an array that forgets nothing: every record that was ever appended, with its place in an endless ring.
struct RecordModel {
    struct Entry: Equatable {
        var sequence: UInt64
        var kind: ChatReactor.Record.Kind
        var from: [UInt8]
        var text: [UInt8]
        var time: Int64
        var online: Int32
    }

    let capacity: Int
    private(set) var entries: [Entry] = []
    /// Where each entry begins.
    private var starts: [Int] = []
    private var tail = 0
    /// The oldest entry that is kept.
    private(set) var first = 0

    init(capacity: Int) {
        self.capacity = capacity
    }

    var kept: ArraySlice<Entry> { entries[first...] }

    /// A record of any length, an unusual one now and then, unless the length is given.
    func randomEntry(length: Int? = nil, using random: inout SeededGenerator) -> Entry {
        let length = length ?? randomLength(using: &random)
        let fromLength = min(length, Int.random(in: 0...24, using: &random))
        return Entry(
            sequence: UInt64(entries.count + 1), kind: ChatReactor.Record.Kind.allCases.randomElement(using: &random)!,
            from: random.recordBytes(fromLength), text: random.recordBytes(length - fromLength),
            time: .random(in: .min ... .max, using: &random), online: .random(in: .min ... .max, using: &random))
    }

    private func randomLength(using random: inout SeededGenerator) -> Int {
        let longest = capacity / 4 - 36
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return Int.random(in: 0...longest, using: &random)
        case 1: return max(0, longest - Int.random(in: 0...9, using: &random))
        default: return Int.random(in: 0...80, using: &random)
        }
    }

    /// Appends an entry, which is in one piece, and forgets those that begin more than the capacity before its end.
    mutating func append(_ entry: Entry) {
        let size = (36 + entry.from.count + entry.text.count + 7) / 8 * 8
        if tail % capacity + size > capacity { tail += capacity - tail % capacity }
        entries.append(entry)
        starts.append(tail)
        tail += size
        while starts[first] < tail - capacity { first += 1 }
    }
}

extension SeededGenerator {
    /// Bytes of which the first ones and the last one differ from those of any other record.
    mutating func recordBytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: .random(in: 0...255, using: &self), count: count)
        for index in 0..<min(count, 8) { bytes[index] = .random(in: 0...255, using: &self) }
        if let last = bytes.indices.last { bytes[last] = .random(in: 0...255, using: &self) }
        return bytes
    }
}

extension RecordLog {
    @discardableResult
    func append(_ entry: RecordModel.Entry) -> UInt64? {
        append(entry.kind, from: entry.from.span, text: entry.text.span, time: entry.time, online: entry.online)
    }

    /// All records from a place on, as many as `limit` says, and where reading ended.
    func entries(from place: Place, limit: Int = .max) -> (entries: [RecordModel.Entry], next: Place, missed: UInt64) {
        var entries: [RecordModel.Entry] = []
        if limit == 0 { return (entries, place, 0) }
        let (next, missed) = read(from: place) { record in
            let (from, text) = record.withContent { from, text in
                (from.indices.map { from[$0] }, text.indices.map { text[$0] })
            }
            entries.append(
                .init(
                    sequence: record.sequence, kind: record.kind, from: from, text: text, time: record.time,
                    online: record.online))
            return entries.count < limit
        }
        return (entries, next, missed)
    }

    /// Everything that the log holds.
    var entries: [RecordModel.Entry] { entries(from: place(of: firstSequence)).entries }
}
