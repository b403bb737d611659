import Reactor

/// What is shown in place of an address, so that nobody learns where somebody is, and a ban can still mean a network:
/// `x7kq2m9d.pw3v8rhn.c5t6jzya.ip`.
///
/// Each word stands for a network, the address itself first and the largest network last. So `*!*@*.c5t6jzya.ip` is everybody in that
/// one. The key is to be random, and to stay the same as long as bans are to hold. Who has it can try all addresses of IPv4 until the words
/// fit; who does not have it learns no more than who is in the same network.
struct HostCloak {
    /// No two of them look alike, and there are 32: a letter for five bits.
    private static let alphabet = Array("abcdefghijkmnpqrstuvwxyz23456789".utf8)
    /// How many letters a word has: 40 bits, so that no two networks of a server's have the same one by chance.
    private static let wordLength = 8

    private let code: HMAC

    /// - Parameter key: At least 16 random bytes.
    init(key: [UInt8]) {
        code = HMAC(key: key)
    }

    /// What is shown: 29 bytes for an address of IPv4, 38 for one of IPv6, or `localhost`. Nobody has a host of more than 63, as IRC has it.
    ///
    /// An address of IPv4 that is written as one of IPv6 is the one of IPv4.
    func host(of address: SocketAddress) -> String {
        guard !address.isOnThisMachine, let address = AddressBlock.Address(address) else { return "localhost" }
        // Providers give out an address of IPv4 at a time, and /64 to /48 of IPv6.
        let lengths = address.family == .ipv4 ? [32, 24, 16] : [128, 64, 48, 32]
        return lengths.map { word(for: AddressBlock(address, length: $0)) + "." }.joined() + "ip"
    }

    private func word(for network: AddressBlock) -> String {
        // The length is a part of it: 10.0.0.0 is an address, and the beginning of two networks.
        var message: [UInt8] = [network.family == .ipv4 ? 4 : 6, UInt8(truncatingIfNeeded: network.length)]
        for place in 1...16 { message.append(UInt8(truncatingIfNeeded: network.bits >> UInt128(128 - 8 * place))) }
        let bits = code.code(of: message).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        let letters = (0..<Self.wordLength).map { Self.alphabet[Int(truncatingIfNeeded: bits >> UInt64(59 - 5 * $0) & 31)] }
        return String(letters.span)
    }
}
