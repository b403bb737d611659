import Reactor
import TestSupport
import Testing

@testable import ChatReactor

/// What a header of the PROXY protocol says, and where it ends.
@Suite struct ProxyHeaderTests {
    private static func header(_ bytes: [UInt8]) -> ProxyHeader? { ProxyHeader(bytes.span) }

    private static func extent(_ bytes: some Collection<UInt8>, seen: Int = 0) -> MessageExtent {
        let bytes = Array(bytes)
        return ProxyHeader.Frame().messageExtent(in: bytes.span, seen: seen)
    }

    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]

    /// A header of version 2.
    private static func binary(_ command: UInt8, _ family: UInt8, _ rest: [UInt8], length: Int? = nil) -> [UInt8] {
        let length = length ?? rest.count
        return signature + [command, family, UInt8(truncatingIfNeeded: length >> 8), UInt8(truncatingIfNeeded: length)] + rest
    }

    private static let ipv4: [UInt8] = [192, 0, 2, 7, 198, 51, 100, 1, 0xC4, 0x88, 0x0B, 0xB9]
    private static let ipv6: [UInt8] =
        [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [7] + [UInt8](repeating: 1, count: 16) + [
            0xC4, 0x88, 0x0B, 0xB9,
        ]
    private static let extensions: [UInt8] = [4, 0, 2, 0xAA, 0xBB]

    private static let ana = SocketAddress.ipv4(address: 0xC000_0207, port: 50_312)
    private static let ben = SocketAddress.ipv6(high: 0x2001_0DB8_0000_0000, low: 7, port: 50_312, scope: 0)

    private static let good: [([UInt8], ProxyHeader)] = [
        (Array("PROXY TCP4 192.0.2.7 198.51.100.1 50312 3001\r\n".utf8), .caller(ana)),
        (Array("PROXY TCP6 2001:db8::7 ::1 50312 3001\r\n".utf8), .caller(ben)),
        (Array("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n".utf8), .caller(.ipv4(address: 0, port: 0))),
        (Array("PROXY UNKNOWN\r\n".utf8), .unknown),
        (Array("PROXY UNKNOWN ffff:f:f: what 65535 65535\r\n".utf8), .unknown),
        (binary(0x21, 0x11, ipv4), .caller(ana)),
        (binary(0x21, 0x11, ipv4 + extensions), .caller(ana)),
        (binary(0x21, 0x21, ipv6), .caller(ben)),
        (binary(0x21, 0x31, [UInt8](repeating: 97, count: 216)), .unknown),
        (binary(0x21, 0x00, []), .unknown),
        (binary(0x20, 0x00, []), .local),
        (binary(0x20, 0x11, ipv4), .local),
        (binary(0x20, 0x11, []), .local),
    ]

    private static let bad: [[UInt8]] =
        [
            "PROXY \r\n", "PROXY TCP4\r\n", "PROXY TCP4 192.0.2.7 198.51.100.1 50312\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 50312 3001\n", "PROXY TCP4 192.0.2.7 198.51.100.1 50312 3001 \r\n",
            "PROXY TCP4 192.0.2.7  198.51.100.1 50312 3001\r\n", "PROXY TCP4 192.0.2.7 ::1 50312 3001\r\n",
            "PROXY TCP6 192.0.2.7 198.51.100.1 50312 3001\r\n", "PROXY TCP4 192.0.2 198.51.100.1 50312 3001\r\n",
            "PROXY TCP4 localhost 198.51.100.1 50312 3001\r\n", "PROXY TCP4 192.0.2.7 198.51.100.1 65536 3001\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 -1 3001\r\n", "PROXY TCP4 192.0.2.7 198.51.100.1 050 3001\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 +5 3001\r\n", "PROXY TCP4 192.0.2.7 198.51.100.1 50312 \r\n",
            "PROXY UDP4 192.0.2.7 198.51.100.1 50312 3001\r\n", "PROXY tcp4 192.0.2.7 198.51.100.1 50312 3001\r\n",
        ].map { Array($0.utf8) } + [
            binary(0x21, 0x11, Array(ipv4.dropLast())), binary(0x21, 0x21, Array(ipv6.dropLast())), binary(0x21, 0x21, ipv4),
            binary(0x21, 0x31, ipv6), binary(0x21, 0x12, ipv4), binary(0x21, 0x41, ipv4), binary(0x11, 0x11, ipv4),
            binary(0x22, 0x11, ipv4), binary(0x31, 0x11, ipv4),
        ]

    @Test func `a header says for whom the proxy has connected`() {
        for (bytes, header) in Self.good { #expect(Self.header(bytes) == header, "\(String(decoding: bytes, as: UTF8.self))") }
    }

    @Test func `a malformed header says nothing`() {
        for bytes in Self.bad { #expect(Self.header(bytes) == nil, "\(String(decoding: bytes, as: UTF8.self))") }
    }

    @Test func `a header ends where its last byte is, however many bytes have come and whatever follows`() {
        for (bytes, _) in Self.good {
            let following = bytes + Array("hello\nPROXY \r\n".utf8)
            for count in 1...following.count {
                for seen in 0..<count {
                    let extent = Self.extent(following[..<count], seen: min(seen, bytes.count - 1))
                    // Of version 2, the length is known before all of it is there.
                    let isKnown = count >= bytes.count || bytes[0] == 13 && count >= 16
                    #expect(extent == (isKnown ? .length(bytes.count) : .unknown), "\(count) of \(bytes)")
                }
            }
        }
    }

    @Test func `what cannot be a header is malformed as soon as that is known`() {
        func extent(_ text: String) -> MessageExtent { Self.extent(text.utf8) }
        #expect(extent("h") == .malformed)
        #expect(extent("PROX") == .unknown)
        #expect(extent("PROXO") == .malformed)
        #expect(extent("\r\n\r\n\0\r\nQUIT") == .unknown)
        #expect(extent("\r\n\r\n\0\r\nQUIL") == .malformed)
        // A line of 107 bytes at most.
        let longest = "PROXY UNKNOWN ".padding(to: 105) + "\r\n"
        #expect(extent(longest) == .length(107))
        #expect(extent("PROXY UNKNOWN ".padding(to: 106)) == .unknown)
        #expect(extent("PROXY UNKNOWN ".padding(to: 107)) == .malformed)
        #expect(extent("PROXY UNKNOWN ".padding(to: 106) + "\r\n") == .malformed)
        #expect(Self.extent(Self.binary(0x21, 0x11, [], length: 4_096)) == .length(4_112))
        #expect(Self.extent(Self.binary(0x21, 0x11, [], length: 4_097)) == .malformed)
    }

    @Test func `no bytes end the process`() {
        var generator = SeededGenerator(seed: 13)
        for _ in 0..<20_000 {
            var bytes = Self.good.randomElement(using: &generator)?.0 ?? []
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            bytes = Array(bytes.prefix(Int.random(in: 1...bytes.count, using: &generator)))
            _ = Self.header(bytes)
            if case .length(let length) = Self.extent(bytes) { #expect(length > 0) }
        }
    }
}

extension String {
    fileprivate func padding(to count: Int) -> String { self + String(repeating: "f", count: count - utf8.count) }
}
