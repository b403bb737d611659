import Reactor
import TestSupport
import Testing

@testable import ChatReactor

/// A cloaked host gives away no address, and is the same for who is in the same network, from some word on.
struct HostCloakTests {
    private let cloak = HostCloak(key: Array("sixteen bytes...".utf8))

    @Test(arguments: ["127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1"])
    func whoIsOnThisMachine(_ address: String) throws {
        #expect(cloak.host(of: try #require(SocketAddress(ip: address, port: 9))) == "localhost")
    }

    @Test func unixDomain() {
        #expect(cloak.host(of: .unix(path: "/run/chatd.sock")) == "localhost")
        #expect(cloak.host(of: .unix(path: "")) == "localhost")
    }

    /// If this changes, bans no longer hold that were made before. Python's hmac says the same.
    @Test(arguments: [
        ("192.0.2.7", "9w8n8vxu.gy96r6s7.yz5mhmdi.ip"), ("2001:db8:1:2::7", "t4nbsawf.qw8xzy82.fer9nzj3.f2sudn4r.ip"),
    ])
    func staysTheSame(_ address: String, _ host: String) throws {
        #expect(try self.host(address) == host)
    }

    @Test(
        arguments: [
            ("192.0.2.7", "192.0.2.8", 2), ("192.0.2.7", "192.0.3.7", 1), ("192.0.2.7", "192.1.2.7", 0),
            ("10.0.0.0", "10.0.0.1", 2),
            ("192.0.2.7", "::ffff:192.0.2.7", 3), ("192.0.2.7", "c000:207::", 0),
            ("2001:db8:1:2::7", "2001:db8:1:2::8", 3), ("2001:db8:1:2::7", "2001:db8:1:3::7", 2),
            ("2001:db8:1:2::7", "2001:db8:2:2::7", 1), ("2001:db8:1:2::7", "2001:db9:1:2::7", 0), ("::2", "::3", 3),
        ])
    func sharesItsLastWords(_ one: String, _ other: String, _ count: Int) throws {
        let words = try [one, other].map { Array(try host($0).split(separator: ".").reversed()) }
        let shared = zip(words[0], words[1]).prefix { $0 == $1 }.count
        // The last word of all is `ip`.
        #expect(shared == count + 1, "\(words)")
    }

    @Test func thePortIsNoPartOfIt() {
        let address = SocketAddress.ipv6(high: 0xFE80 << 48, low: 1, port: 1, scope: 1)
        #expect(cloak.host(of: address) == cloak.host(of: .ipv6(high: 0xFE80 << 48, low: 1, port: 2, scope: 2)))
    }

    @Test func anotherKeyMakesOtherWords() throws {
        let address = try #require(SocketAddress(ip: "192.0.2.7"))
        for key in [[], [0x73], Array("sixteen bytes../".utf8), [UInt8](repeating: 0, count: 100)] {
            let words = Set(HostCloak(key: key).host(of: address).split(separator: "."))
            #expect(words.isDisjoint(with: try host("192.0.2.7").split(separator: ".").dropLast()))
        }
    }

    /// No word is in two places of one host, and none is longer or has other letters.
    @Test func anyAddress() {
        var random = SeededGenerator()
        for _ in 0..<500 {
            let address = AddressBlockTests.address(random.bytes(Bool.random(using: &random) ? 4 : 16))
            if address.isOnThisMachine { continue }
            let host = cloak.host(of: address)
            let words = host.split(separator: ".")
            #expect(host.utf8.count <= 63 && words.last == "ip" && Set(words).count == words.count, "\(host)")
            #expect(words.dropLast().allSatisfy { $0.utf8.count == 8 && $0.utf8.allSatisfy { $0 >= 50 && $0 < 58 || $0 >= 97 } })
        }
    }

    private func host(_ address: String) throws -> String {
        cloak.host(of: try #require(SocketAddress(ip: address, port: 1)))
    }
}
