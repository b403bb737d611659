import ChatReactorText
import Reactor
import TestSupport
import Testing

@testable import ChatReactor

/// Whom a list of bans keeps out, and for how long.
struct BanListTests {
    /// The same by looking at every ban, bit by bit.
    private struct Oracle {
        struct Block: Hashable {
            let bits: [Bool]
            let width: Int
        }

        var ends: [Block: Int64?] = [:]

        /// The length of the smallest block that holds an address.
        func length(_ address: [Bool], at time: Int64) -> Int? {
            ends.filter { block, end in
                block.width == address.count && address.starts(with: block.bits) && (end.map { $0 > time } ?? true)
            }.map(\.key.bits.count).max()
        }
    }

    @Test func anyBlocksAndAnyAddresses() throws {
        var random = SeededGenerator()
        // In the year 2096: a change of the list forgets what is over by now.
        let times: ClosedRange<Int64> = 4_000_000_000_000...4_000_000_000_010
        for _ in 0..<200 {
            let list = BanList()
            var oracle = Oracle()
            // Few different bytes, so that blocks lie within each other.
            func bytes() -> [UInt8] {
                let count = Bool.random(using: &random) ? 4 : 16
                return (0..<count).map { _ in [0x20, 0x21, 0xA0].randomElement(using: &random) ?? 0 }
            }
            for _ in 0..<Int.random(in: 0...40, using: &random) {
                let first = bytes()
                let width = first.count * 8
                let length = Bool.random(using: &random) ? width : Int.random(in: 0...width, using: &random)
                let block = try AddressBlock("\(AddressBlockTests.text(first))/\(length)")
                let key = Oracle.Block(bits: Array(AddressBlockTests.bits(first).prefix(length)), width: width)
                if Int.random(in: 0..<4, using: &random) == 0, let (some, _) = oracle.ends.randomElement(using: &random) {
                    oracle.ends[some] = nil
                    let bits = some.bits + Array(repeating: false, count: some.width - some.bits.count)
                    let bytes = stride(from: 0, to: some.width, by: 8).map { start in
                        bits[start..<start + 8].reduce(UInt8(0)) { $0 << 1 | ($1 ? 1 : 0) }
                    }
                    try list.remove(.addresses(AddressBlock("\(AddressBlockTests.text(bytes))/\(some.bits.count)")))
                }
                let end: Int64? = Bool.random(using: &random) ? nil : .random(in: times, using: &random)
                list.insert(Ban(.addresses(block), end: end, reason: ""))
                oracle.ends.updateValue(end, forKey: key)
            }
            for _ in 0..<100 {
                let (address, time) = (bytes(), Int64.random(in: times, using: &random))
                let ban = list.ban(of: AddressBlockTests.address(address), at: time)
                let length: Int? = if case .addresses(let block) = ban?.subject { block.length } else { nil }
                #expect(length == oracle.length(AddressBlockTests.bits(address), at: time))
                #expect(ban.map { $0.isOver(at: time) } != true)
            }
            let live = oracle.ends.values.count { $0.map { $0 > times.lowerBound + 5 } ?? true }
            #expect(list.all(at: times.lowerBound + 5).count == live)
        }
    }

    @Test func names() throws {
        let list = BanList()
        try list.add(Ban(.name(ChatName("Straße")), reason: "loud"))
        #expect(try list.ban(of: ChatName("STRASSE"))?.reason == "loud")
        #expect(try list.ban(of: ChatName("strasse2")) == nil)
        #expect(try list.remove(.name(ChatName("strasse"))))
        #expect(try !list.remove(.name(ChatName("strasse"))))
        #expect(try list.ban(of: ChatName("STRASSE")) == nil)
    }

    @Test func whatIsOverIsNoBan() throws {
        let list = BanList()
        let name = try ChatName("ana")
        try list.add(Ban(.name(name), for: .zero))
        try list.add(Ban(.addresses(AddressBlock("10.0.0.0/8")), for: .seconds(-5)))
        #expect(list.ban(of: name) == nil)
        #expect(list.ban(of: .ipv4(address: 0x0A00_0001, port: 0)) == nil)
        #expect(list.all == [])
        #expect(try !list.remove(.name(name)))
        // A shorter or a longer one takes the place of the one before.
        try list.add(Ban(.name(name), for: .seconds(3_600)))
        let remaining = try #require(list.ban(of: name)?.remaining)
        #expect(remaining > .seconds(3_590) && remaining <= .seconds(3_600))
        try list.add(Ban(.name(name), for: .zero))
        #expect(list.ban(of: name) == nil)
    }

    @Test func aBanForAnyTimeIsOne() throws {
        let list = BanList()
        for (index, duration) in [Duration.seconds(Int64.max), .seconds(1e18), .seconds(1 << 40)].enumerated() {
            let name = try ChatName("n\(index)")
            try list.add(Ban(.name(name), for: duration))
            #expect(list.ban(of: name)?.end.map(Timestamp.rfc3339).map { $0.hasSuffix("Z") && $0.utf8.count == 24 } == true)
        }
    }

    @Test func oneOfManyIsFoundFast() throws {
        let list = BanList()
        for number in 0..<50_000 {
            list.insert(Ban(.addresses(AddressBlock(.init(ipv4: UInt32(number) << 8), length: 24)), end: nil, reason: ""))
        }
        #expect(list.ban(of: .ipv4(address: 49_999 << 8 | 7, port: 0)) != nil)
        let began = ContinuousClock.now
        for number in 0..<10_000 { #expect(list.ban(of: .ipv4(address: UInt32(60_000 + number) << 8, port: 0)) == nil) }
        // Each by itself would have been looked at half a milliard times.
        #expect(began.duration(to: .now) < .seconds(5))
    }
}
