import Reactor

/// Whom a limit for each address counts as one: an address of IPv4, or the 64 bits with which a network of IPv6 begins, since a machine
/// has all the addresses of its network. The peers of Unix-domain sockets have no address, and count as one.
enum AddressOrigin: Hashable {
    case ipv4(UInt32)
    case ipv6Network(UInt64)
    case unix

    init(_ address: SocketAddress) {
        switch address {
        case .ipv4(let number, _): self = .ipv4(number)
        // An address of IPv4 that is written as one of IPv6.
        case .ipv6(0, let low, _, _) where low >> 32 == 0xFFFF: self = .ipv4(UInt32(truncatingIfNeeded: low))
        case .ipv6(let high, _, _, _): self = .ipv6Network(high)
        case .unix: self = .unix
        }
    }
}
