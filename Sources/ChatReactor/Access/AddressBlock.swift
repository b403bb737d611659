public import Reactor

/// Addresses that begin with the same bits: `10.0.0.0/8`, `2001:db8::/32`, or one address alone.
///
/// An address of IPv4 that is written as one of IPv6, such as `::ffff:10.0.0.1`, is the one of IPv4.
public struct AddressBlock: Hashable, Sendable {
    enum Family: Hashable {
        case ipv4, ipv6

        var length: Int { self == .ipv4 ? 32 : 128 }
    }

    /// An IP address, whose bits begin at the highest one of the number.
    struct Address: Hashable {
        let family: Family
        let bits: UInt128

        init(_ family: Family, bits: UInt128) {
            self.family = family
            self.bits = bits
        }

        init(ipv4 number: UInt32) {
            self.init(.ipv4, bits: UInt128(number) << 96)
        }

        /// An address of IPv6, or the one of IPv4 that it stands for.
        init(high: UInt64, low: UInt64) {
            if high == 0, low >> 32 == 0xFFFF {
                self.init(ipv4: UInt32(truncatingIfNeeded: low))
            } else {
                self.init(.ipv6, bits: UInt128(high) << 64 | UInt128(low))
            }
        }

        /// Nil for a Unix-domain socket's.
        init?(_ address: SocketAddress) {
            switch address {
            case .ipv4(let number, _): self.init(ipv4: number)
            case .ipv6(let high, let low, _, _): self.init(high: high, low: low)
            case .unix: return nil
            }
        }
    }

    let family: Family
    /// How many bits the addresses have in common.
    let length: Int
    /// These bits, followed by zeros.
    let bits: UInt128

    /// The block of a length that an address is in.
    init(_ address: Address, length: Int) {
        family = address.family
        self.length = min(max(length, 0), family.length)
        // A shift by all 128 bits leaves nothing.
        bits = address.bits & ~(UInt128.max >> UInt128(self.length))
    }

    /// One address alone, whatever its port; nil for a Unix-domain socket's.
    public init?(_ address: SocketAddress) {
        guard let address = Address(address) else { return nil }
        self.init(address, length: address.family.length)
    }

    /// Reads an address or a block as people write them: `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`. An address of IPv6 may be in brackets.
    /// Bits of the address that follow the block's own are passed over: `10.1.2.3/8` is `10.0.0.0/8`.
    ///
    /// - Throws: If it is neither.
    public init(_ text: String) throws(Invalid) {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count <= 2, let (address, isMapped) = Self.parse(String(Substring(parts[0]))) else { throw Invalid(text) }
        if parts.count == 1 {
            self.init(address, length: address.family.length)
            return
        }
        // The number counts the bits of the address as it was written.
        let skipped = isMapped ? 96 : 0
        guard (1...3).contains(parts[1].count), parts[1].allSatisfy({ (48...57).contains($0) }),
            let length = Int(Substring(parts[1])), (skipped...skipped + address.family.length).contains(length)
        else { throw Invalid(text) }
        self.init(address, length: length - skipped)
    }

    private static func parse(_ text: String) -> (address: Address, isMapped: Bool)? {
        let isInBrackets = text.utf8.first == UInt8(ascii: "[") && text.utf8.last == UInt8(ascii: "]")
        let digits = isInBrackets ? String(text.dropFirst().dropLast()) : text
        guard let read = SocketAddress(ip: digits), let address = Address(read) else { return nil }
        guard case .ipv6 = read else { return isInBrackets ? nil : (address, false) }
        return (address, address.family == .ipv4)
    }

    /// Whether an address is one of these, whatever its port. A Unix-domain socket's never is.
    public func contains(_ address: SocketAddress) -> Bool {
        Address(address).map { AddressBlock($0, length: length) } == self
    }

    /// Why a text is no address and no block.
    public struct Invalid: Error, Hashable, CustomStringConvertible {
        private let text: String

        init(_ text: String) {
            self.text = String(madeVisible: text)
        }

        public var description: String { "'\(text)' is no address like 192.0.2.7, and no block like 10.0.0.0/8 or 2001:db8::/32" }
    }
}

extension AddressBlock: CustomStringConvertible {
    /// As `init(_:)` reads it: an address alone, or the first one with the length.
    public var description: String {
        let first =
            family == .ipv4
            ? SocketAddress.ipv4(address: UInt32(truncatingIfNeeded: bits >> 96), port: 0).host
            : SocketAddress.ipv6(
                high: UInt64(truncatingIfNeeded: bits >> 64), low: UInt64(truncatingIfNeeded: bits), port: 0, scope: 0
            ).host
        return length == family.length ? first : "\(first)/\(length)"
    }
}

extension SocketAddress {
    /// The address without its port and without brackets; `unix` for a Unix-domain socket's.
    var host: String {
        switch self {
        case .ipv4: String(description.prefix { $0 != ":" })
        case .ipv6: String(description.dropFirst().prefix { $0 != "]" })
        case .unix: "unix"
        }
    }
}
