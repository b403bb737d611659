import Reactor
import TestSupport
import Testing

@testable import ChatReactor

/// Who comes in by a list, against one that compares with each block, bit by bit.
struct AccessListTests {
    /// A block as the oracle has it: the bits that its addresses begin with.
    private struct Naive {
        let bytes: [UInt8]
        let length: Int

        var text: String { "\(AddressBlockTests.text(bytes))/\(length)" }

        func contains(_ address: [UInt8]) -> Bool {
            address.count == bytes.count
                && AddressBlockTests.bits(address).prefix(length) == AddressBlockTests.bits(bytes).prefix(length)
        }

        init(using random: inout SeededGenerator) {
            bytes = AccessListTests.bytes(using: &random)
            // Mostly long ones: those of no bits at all would decide everything.
            length = bytes.count * 8 - min(Int.random(in: 0...24, using: &random), Int.random(in: 0...24, using: &random))
        }
    }

    /// Addresses of few values, so that many are in the same blocks.
    private static func bytes(using random: inout SeededGenerator) -> [UInt8] {
        let count = Bool.random(using: &random) ? 4 : 16
        return [UInt8](repeating: 32, count: count - 3) + random.bytes(3, from: 0...3)
    }

    @Test func anyListAndAnyAddress() throws {
        var random = SeededGenerator()
        for _ in 0..<500 {
            let denied = (0..<Int.random(in: 0...6, using: &random)).map { _ in Naive(using: &random) }
            let allowed: [Naive]? =
                Bool.random(using: &random) ? nil : (0..<Int.random(in: 0...6, using: &random)).map { _ in Naive(using: &random) }
            let list = AccessList(
                allowing: try allowed?.map { try AddressBlock($0.text) }, denying: try denied.map { try AddressBlock($0.text) })
            #expect(list.isRestricted == (allowed != nil))
            for _ in 0..<40 {
                let address = AccessListTests.bytes(using: &random)
                let isDenied = denied.contains { $0.contains(address) }
                let isAllowed = allowed.map { $0.contains { $0.contains(address) } } ?? true
                let expected = !isDenied && isAllowed
                #expect(
                    list.admits(AddressBlockTests.address(address)) == expected,
                    "\(address), denied \(denied.map(\.text)), allowed \(allowed?.map(\.text) ?? [])")
            }
        }
    }

    @Test func aBlockThatIsAddedTwiceIsOne() throws {
        var table = AddressTable<Int>()
        let block = try AddressBlock("10.0.0.0/8")
        table.insert(1, for: block)
        table.insert(2, for: block)
        #expect(table.first(of: .ipv4(address: 0x0A00_0001, port: 0)) == 2)
        let removed = [table.remove(block), table.remove(block)]
        #expect(removed == [2, nil])
        #expect(table.first(of: .ipv4(address: 0x0A00_0001, port: 0)) == nil)
        #expect(table.isEmpty)
    }
}
