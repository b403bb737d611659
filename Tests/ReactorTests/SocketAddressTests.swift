import Glibc
import TestSupport
import Testing

@testable import Reactor

/// Addresses survive the way through the kernel, and are printed as the programs take them.
struct SocketAddressTests {
    static let table: [(SocketAddress, String)] = [
        (.loopback(port: 3001), "127.0.0.1:3001"),
        (.ipv4(address: 0, port: 0), "0.0.0.0:0"),
        (.ipv4(address: 0x0102_0304, port: 65_535), "1.2.3.4:65535"),
        (.ipv6(high: 0, low: 1, port: 3001, scope: 0), "[::1]:3001"),
        (.ipv6(high: 0x2001_0DB8_0000_0000, low: 0x0102_0304_0506_0708, port: 1, scope: 0), "[2001:db8::102:304:506:708]:1"),
        (.unix(path: "/run/chatd.sock"), "unix:/run/chatd.sock"),
        (.unix(path: String(repeating: "p", count: 107)), "unix:" + String(repeating: "p", count: 107)),
    ]

    @Test(arguments: table)
    func isPrintedAsTheProgramsTakeIt(_ address: SocketAddress, _ text: String) throws {
        #expect(address.description == text)
        #expect(try Endpoint(text).resolve() == [address])
    }

    @Test(arguments: table.map(\.0) + [.ipv6(high: 0xFE80_0000_0000_0000, low: 1, port: 1, scope: 1)])
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

    @Test func aSocketWithoutANameHasAnEmptyPath() throws {
        let wire = try Wire(.unix)
        #expect(wire.connection.localAddress == .unix(path: ""))
        #expect(wire.connection.remoteAddress == .unix(path: ""))
    }

    @Test func anotherPort() {
        #expect(SocketAddress.loopback(port: 1).withPort(2) == .loopback(port: 2))
        #expect(SocketAddress.ipv6(high: 1, low: 2, port: 3, scope: 4).withPort(5) == .ipv6(high: 1, low: 2, port: 5, scope: 4))
        #expect(SocketAddress.unix(path: "/x").withPort(5) == .unix(path: "/x"))
        #expect(SocketAddress.unix(path: "/x").port == nil)
    }
}
