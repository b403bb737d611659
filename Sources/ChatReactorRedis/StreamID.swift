/// The name of an entry in a stream: a time in milliseconds, and a number within it.
struct StreamID: Comparable, CustomStringConvertible {
    let time: UInt64
    let number: UInt64

    /// What is before all entries.
    static let zero = StreamID(time: 0, number: 0)

    init(time: UInt64, number: UInt64) { (self.time, self.number) = (time, number) }

    /// As Redis writes it: `1718000000000-0`.
    init?(_ text: [UInt8]) {
        let parts = text.split(separator: UInt8(ascii: "-"), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let time = UInt64(String(decoding: parts[0], as: UTF8.self)),
            let number = UInt64(String(decoding: parts[1], as: UTF8.self))
        else { return nil }
        self.init(time: time, number: number)
    }

    var description: String { "\(time)-\(number)" }

    static func < (one: StreamID, other: StreamID) -> Bool { (one.time, one.number) < (other.time, other.number) }
}
