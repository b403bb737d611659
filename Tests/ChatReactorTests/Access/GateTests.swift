import Glibc
import Reactor
import TestSupport
import Testing

@testable import ChatReactor

/// What decides about a caller, apart from any socket.
struct GateTests {
    private static let stranger = SocketAddress.ipv4(address: 0xC000_0207, port: 5_000)

    @Test(
        arguments: [
            ("192.0.2.7:1", "192.0.2.7:2", true), ("192.0.2.7:1", "192.0.2.8:1", false),
            ("[::ffff:192.0.2.7]:1", "192.0.2.7:2", true), ("[::ffff:192.0.2.7]:1", "[::ffff:192.0.2.8]:1", false),
            ("[2001:db8:0:1::]:1", "[2001:db8:0:1:ffff:ffff:ffff:ffff]:2", true),
            ("[2001:db8:0:1::1]:1", "[2001:db8:0:2::1]:1", false), ("[::1]:1", "127.0.0.1:1", false),
        ] as [(String, String, Bool)])
    func whoCountsAsOne(_ one: String, _ other: String, _ isOne: Bool) throws {
        let addresses = try [one, other].flatMap { try Endpoint($0).resolve() }
        try #require(addresses.count == 2)
        #expect((AddressOrigin(addresses[0]) == AddressOrigin(addresses[1])) == isOne)
        var rules = AccessRules()
        rules.maximumPerAddress = 1
        var gate = Gate(rules, reserve: 0)
        let client = Gate.ClientKey(server: 0, id: .none)
        gate.enter(client, from: addresses[0])
        func refusal() -> AccessRefusal? { gate.refusal(of: addresses[1], clientCount: 1, bans: nil) }
        #expect(refusal() == (isOne ? .tooManyFromAddress : nil))
        gate.leave(client)
        gate.leave(client)
        #expect(refusal() == nil)
    }

    /// The default limit, which leaves descriptors to those on this machine.
    @Test func theLimitByDescriptors() {
        var limit = rlimit()
        #expect(unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
        let all = Int(clamping: limit.rlim_cur)
        for (reserve, room) in [(10, all - 10), (Int.max, all - all / 2)] {
            var gate = Gate(AccessRules(), reserve: reserve)
            func refusal(_ address: SocketAddress, _ count: Int) -> AccessRefusal? {
                gate.refusal(of: address, clientCount: count, bans: nil)
            }
            #expect(refusal(Self.stranger, room - 1) == nil)
            #expect(refusal(Self.stranger, room) == .full)
            for address in [
                .loopback(port: 1), .ipv4(address: 0x7FFF_FFFF, port: 1), .ipv6(high: 0, low: 1, port: 1, scope: 0),
                .ipv6(high: 0, low: 0xFFFF_7F00_0001, port: 1, scope: 0), SocketAddress.unix(path: ""),
            ] { #expect(refusal(address, room) == nil, "\(address)") }
            for address in [SocketAddress.ipv6(high: 0, low: 2, port: 1, scope: 0), .ipv6(high: 1, low: 1, port: 1, scope: 0)] {
                #expect(refusal(address, room) == .full, "\(address)")
            }
        }
    }

    @Test func onlyThoseWhoComeInCountAsConnecting() throws {
        var rules = AccessRules()
        (rules.maximumConnections, rules.maximumPerAddress, rules.connectRate) = (10, 5, 2)
        rules.list.deny(try AddressBlock("10.0.0.1"))
        var gate = Gate(rules, reserve: 0)
        let bans = BanList()
        try bans.add(Ban(.addresses(try AddressBlock("10.0.0.2"))))
        let now = ContinuousClock.now
        func refusal(_ last: UInt32, _ clientCount: Int = 0) -> AccessRefusal? {
            gate.refusal(of: .ipv4(address: 0x0A00_0000 + last, port: 1), clientCount: clientCount, bans: bans, now: now)
        }
        #expect(refusal(1) == .denied)
        #expect(refusal(2)?.description == "banned")
        for _ in 0..<5 { #expect(refusal(3, 10) == .full) }
        #expect(refusal(3) == nil)
        #expect(refusal(3) == nil)
        #expect(refusal(3) == .tooOften)
        #expect(refusal(3, 10) == .full)
    }

    @Test func rulesThatAreOutOfRange() {
        var rules = AccessRules()
        (rules.maximumConnections, rules.maximumPerAddress, rules.connectRate) = (.min, 0, -1)
        var clamped = rules.clamped
        #expect([clamped.maximumConnections, clamped.maximumPerAddress, clamped.connectRate] == [1, 1, 1])
        (rules.maximumConnections, rules.maximumPerAddress, rules.connectRate) = (.max, .max, .max)
        clamped = rules.clamped
        #expect([clamped.maximumConnections, clamped.maximumPerAddress, clamped.connectRate] == [.max, .max, 1_000_000])
    }
}
