import Glibc
import TestSupport
import Testing

@testable import Reactor

/// Addresses survive the way through the kernel, and are printed as the programs take them.
struct SocketAddressTests {
    static let addresses: [SocketAddress] = [
        .loopback(port: 3001),
        .ipv4(address: 0, port: 0),
        .ipv4(address: 0x0102_0304, port: 65_535),
        .ipv6(high: 0, low: 1, port: 3001, scope: 0),
        .ipv6(high: 0x2001_0DB8_0000_0000, low: 0x0102_0304_0506_0708, port: 1, scope: 0),
        .unix(path: "/run/chatd.sock"),
        .unix(path: String(repeating: "p", count: 107)),
    ]

    @Test(arguments: addresses + [.ipv6(high: 0xFE80_0000_0000_0000, low: 1, port: 1, scope: 1)])
    func survivesTheKernelsForm(_ address: SocketAddress) throws {
        let copy = try unsafe SocketAddress { target, length in
            unsafe address.withSystemAddress { source, size in
                unsafe memcpy(target, source, Int(size))
                unsafe length.pointee = size
                return 0
            }
        }
        #expect(copy == address)
    }

    @Test func aFamilyThatIsNotKnownIsNoAddress() throws {
        let address = try unsafe SocketAddress { target, _ in
            unsafe target.pointee.sa_family = sa_family_t(AF_NETLINK)
            return 0
        }
        #expect(address == nil)
    }

    @Test func aCallThatFailsIsThrown() {
        #expect(throws: Errno(rawValue: EBADF)) { try Socket.localAddress(of: -1) }
        #expect(throws: Errno(rawValue: EBADF)) { try Socket.remoteAddress(of: -1) }
    }
}
