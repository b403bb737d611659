import Reactor

/// What a proxy says before anything else about the connection that it passes on: the header of the PROXY protocol, version 1 or 2.
enum ProxyHeader: Equatable {
    /// Somebody at this address has connected to the proxy.
    case caller(SocketAddress)
    /// Somebody has connected to the proxy, which does not say who.
    case unknown
    /// The proxy has connected for itself, to see whether the server is there.
    case local

    /// Reads a whole header. Nil if it is malformed.
    init?(_ header: Span<UInt8>) {
        let read = Self.begins(header, with: Self.signature) ? Self.binary(header) : Self.text(header)
        guard let read else { return nil }
        self = read
    }

    // MARK: - Version 1: a line

    private static let firstWord = Array("PROXY ".utf8)
    /// With its end.
    private static let longestLine = 107

    /// `PROXY TCP4 192.0.2.7 198.51.100.1 50312 3001`, or `PROXY UNKNOWN` and anything.
    private static func text(_ header: Span<UInt8>) -> ProxyHeader? {
        guard begins(header, with: firstWord), header.count >= firstWord.count + 2, header[header.count - 2] == 13,
            header[header.count - 1] == 10
        else { return nil }
        let words = String(header.extracting(droppingLast: 2)).utf8.split(separator: 32, omittingEmptySubsequences: false)
        let protocolName = String(Substring(words[1]))
        if protocolName == "UNKNOWN" { return .unknown }
        guard words.count == 6, let source = address(words[2], port: words[4]), let target = address(words[3], port: words[5])
        else {
            return nil
        }
        switch (protocolName, source, target) {
        case ("TCP4", .ipv4, .ipv4), ("TCP6", .ipv6, .ipv6): return .caller(source)
        default: return nil
        }
    }

    private static func address(_ text: Substring.UTF8View, port: Substring.UTF8View) -> SocketAddress? {
        guard port.allSatisfy({ (48...57).contains($0) }), port.count == 1 || port.first != 48,
            let number = UInt16(Substring(port))
        else { return nil }
        return SocketAddress(ip: String(Substring(text)), port: number)
    }

    // MARK: - Version 2: bytes

    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]
    /// The signature; version and command; family and protocol; how many bytes follow.
    private static let fixedLength = 16
    /// More than an address and what proxies are known to add.
    private static let longestRest = 4_096

    private static func binary(_ header: Span<UInt8>) -> ProxyHeader? {
        guard header.count >= fixedLength else { return nil }
        let addresses = header.extracting(droppingFirst: fixedLength)
        switch (header[12], header[13]) {
        // The proxy itself. What follows does not count.
        case (0x20, _): return .local
        // Of a family that has no IP address, or of none.
        case (0x21, 0x00): return .unknown
        case (0x21, 0x31): return addresses.count >= 216 ? .unknown : nil
        case (0x21, 0x11):
            guard addresses.count >= 12 else { return nil }
            return .caller(.ipv4(address: integer(in: addresses, at: 0), port: integer(in: addresses, at: 8)))
        case (0x21, 0x21):
            guard addresses.count >= 36 else { return nil }
            return .caller(
                .ipv6(
                    high: integer(in: addresses, at: 0), low: integer(in: addresses, at: 8), port: integer(in: addresses, at: 32),
                    scope: 0))
        default: return nil
        }
    }

    /// The number that is there, its highest byte first.
    private static func integer<Number: FixedWidthInteger>(in bytes: Span<UInt8>, at index: Int) -> Number {
        (index..<index + MemoryLayout<Number>.size).reduce(0) { $0 << 8 | Number(truncatingIfNeeded: bytes[$1]) }
    }

    // MARK: - Framing

    /// Whether the bytes that have come are those, as far as both go.
    private static func begins(_ bytes: Span<UInt8>, with first: [UInt8]) -> Bool {
        (0..<min(bytes.count, first.count)).allSatisfy { bytes[$0] == first[$0] }
    }

    /// One message: the header.
    struct Frame: Framing {
        func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent {
            if begins(bytes, with: signature) {
                guard bytes.count >= fixedLength else { return .unknown }
                let rest: UInt16 = integer(in: bytes, at: 14)
                return rest <= longestRest ? .length(fixedLength + Int(rest)) : .malformed
            }
            guard begins(bytes, with: firstWord) else { return .malformed }
            for index in min(seen, bytes.count)..<min(bytes.count, longestLine) where bytes[index] == 10 {
                return .length(index + 1)
            }
            return bytes.count < longestLine ? .unknown : .malformed
        }
    }
}
