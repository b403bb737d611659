import Reactor
import TestSupport
import Testing

@testable import ChatReactor

/// Which addresses are in a block, and how people write them.
struct AddressBlockTests {
    @Test(
        arguments: [
            ("192.0.2.7", "192.0.2.7"), ("10.0.0.0/8", "10.0.0.0/8"), ("10.1.2.3/8", "10.0.0.0/8"), ("192.0.2.7/32", "192.0.2.7"),
            ("0.0.0.0/0", "0.0.0.0/0"), ("255.255.255.255/0", "0.0.0.0/0"), ("::1", "::1"), ("[::1]", "::1"),
            ("[2001:db8::]/32", "2001:db8::/32"),
            ("2001:DB8::/32", "2001:db8::/32"), ("2001:db8:ffff::/32", "2001:db8::/32"), ("::/0", "::/0"),
            ("fe80::1/128", "fe80::1"),
            ("::ffff:10.0.0.1", "10.0.0.1"), ("::ffff:10.0.0.1/104", "10.0.0.0/8"), ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::ffff:10.0.0.1/95", nil), ("10.0.0.0/33", nil), ("::/129", nil), ("10.0.0.0/-1", nil), ("10.0.0.0/", nil),
            ("10.0.0.0/8/8", nil), ("/8", nil), ("", nil), ("10", nil), ("10.0.0", nil), ("10.0.0.256", nil), ("010.0.0.1", nil),
            ("10.0.0.1 ", nil), ("10.0.0.1:80", nil), ("[::1", nil), ("::1]", nil), ("fe80::1%lo", nil), ("10.0.0.0/0008", nil),
            ("10.0.0.0/٨", nil), ("10.0.0.0\0/8", nil), ("10.0.0.0/999999999999999999999", nil), ("[", nil), ("[]", nil),
            ("[/]", nil),
        ] as [(String, String?)])
    func reading(_ text: String, _ description: String?) {
        #expect((try? AddressBlock(text))?.description == description)
    }

    @Test func whatIsWrongIsSaidWithoutDoingHarm() {
        let error = #expect(throws: AddressBlock.Invalid.self) { try AddressBlock("\u{1B}[2J/\n") }
        #expect(error?.description == "'^[[2J/^J' is no address like 192.0.2.7, and no block like 10.0.0.0/8 or 2001:db8::/32")
    }

    /// The number of this machine's interface is no part of it.
    @Test func aLinkLocalAddressIsReadAsItIsShown() throws {
        let block = try #require(AddressBlock(.ipv6(high: 0xFE80 << 48, low: 1, port: 50_000, scope: 1)))
        #expect(block.description == "fe80::1")
        #expect(try AddressBlock("\(block)") == block)
    }

    @Test func aUnixSocketHasNoAddress() throws {
        #expect(AddressBlock(SocketAddress.unix(path: "")) == nil)
        for block in ["0.0.0.0/0", "::/0"] { #expect(try !AddressBlock(block).contains(.unix(path: "/tmp/a"))) }
    }

    @Test func theFamiliesAreApart() throws {
        let ipv4 = SocketAddress.ipv4(address: 0x0A00_0001, port: 1)
        let mapped = SocketAddress.ipv6(high: 0, low: 0xFFFF_0A00_0001, port: 2, scope: 0)
        for address in [ipv4, mapped] {
            #expect(try AddressBlock("0.0.0.0/0").contains(address))
            #expect(try AddressBlock("10.0.0.1").contains(address))
            #expect(try AddressBlock("::ffff:10.0.0.0/120").contains(address))
            #expect(try !AddressBlock("::/0").contains(address))
            #expect(try !AddressBlock("10.0.0.2").contains(address))
        }
        #expect(AddressBlock(ipv4) == AddressBlock(mapped))
        #expect(try !AddressBlock("0.0.0.0/0").contains(.ipv6(high: 0, low: 1, port: 0, scope: 0)))
    }

    /// Against one that compares bit by bit.
    @Test func anyBlockAndAnyAddress() throws {
        var random = SeededGenerator()
        for _ in 0..<20_000 {
            let isIPv4 = Bool.random(using: &random)
            let width = isIPv4 ? 32 : 128
            let bytes = random.bytes(width / 8)
            // They have a beginning in common.
            let shared = Int.random(in: 0...bytes.count, using: &random)
            let other = Array(bytes[..<shared]) + random.bytes(bytes.count - shared)
            let length = Int.random(in: 0...width, using: &random)
            let text = AddressBlockTests.text(bytes) + "/\(length)"
            let block = try #require(try? AddressBlock(text), "\(text)")
            let expected = AddressBlockTests.bits(bytes).prefix(length) == AddressBlockTests.bits(other).prefix(length)
            #expect(block.contains(AddressBlockTests.address(other)) == expected, "\(text) \(other)")
            #expect(try AddressBlock(block.description) == block)
        }
    }

    static func bits(_ bytes: [UInt8]) -> [Bool] { bytes.flatMap { byte in (0..<8).map { byte & 0x80 >> $0 != 0 } } }

    static func text(_ bytes: [UInt8]) -> String {
        if bytes.count == 4 { return bytes.map(String.init).joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map { String(Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]), radix: 16) }
        return groups.joined(separator: ":")
    }

    static func address(_ bytes: [UInt8]) -> SocketAddress {
        func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        if bytes.count == 4 { return .ipv4(address: UInt32(number(bytes[...])), port: 1_234) }
        return .ipv6(high: number(bytes[..<8]), low: number(bytes[8...]), port: 1_234, scope: 0)
    }
}
