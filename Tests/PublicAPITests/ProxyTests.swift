import ChatReactor
import Glibc
import TestSupport
import Testing

/// A server behind a proxy: it goes by the address that the proxy names.
struct ProxyTests {
    private final class Observer: ChatServerObserver {
        var clients: [ChatServer.Client] = []
        var refused: [(SocketAddress, AccessRefusal)] = []
        func server(_ server: ChatServer, didAccept client: ChatServer.Client) { clients.append(client) }
        func server(_ server: ChatServer, didRefuse caller: SocketAddress, because refusal: AccessRefusal) {
            refused.append((caller, refusal))
        }
    }

    private let loop: EventLoop
    private let server: ChatServer
    private let observer = Observer()
    private let address: SocketAddress
    /// From where proxies connect here.
    private static let proxy = SocketAddress.ipv4(address: 0x7F00_0009, port: 0)

    init() throws {
        loop = try EventLoop()
        server = try ChatServer(on: loop)
        server.addObserver(observer)
        server.access.proxies = [try AddressBlock("127.0.0.8/31")]
        address = try server.listen(on: .loopback(port: 0)).address
    }

    private static func header(_ last: Int) -> String { "PROXY TCP4 192.0.2.\(last) 198.51.100.1 5000 3001\r\n" }

    /// What it is as a line, which ends in a newline alone.
    private static func line(_ last: Int) -> String { header(last).replacing("\r\n", with: "") + "\n" }

    private func call(_ words: String, from source: SocketAddress = proxy) throws -> Peer {
        let caller = try Peer(to: address, from: source)
        try caller.send(words)
        return caller
    }

    private func join(_ words: String, from source: SocketAddress = proxy) throws -> Peer {
        let count = observer.clients.count
        let caller = try call(words, from: source)
        try loop.run(until: "a client") { observer.clients.count == count + 1 }
        return caller
    }

    private func expectRefused(_ words: String, _ refusal: AccessRefusal, saying sentence: String) throws {
        let (count, clients) = (observer.refused.count, observer.clients.count)
        let caller = try call(words)
        try loop.run(until: "the end") { (caller.hasEnded || caller.failure != nil) && observer.refused.count > count }
        #expect(caller.text == sentence)
        #expect(observer.refused.last?.1 == refusal)
        #expect(observer.clients.count == clients)
    }

    @Test("The client comes from where the header says, and what follows the header is its first line")
    func addressOfTheClient() throws {
        defer { loop.close() }
        let ana = try join(Self.header(7) + "hello\nhow ")
        #expect(observer.clients[0].address == .ipv4(address: 0xC000_0207, port: 5_000))
        #expect(observer.clients[0].connection?.remoteAddress?.withPort(0) == Self.proxy)
        let binary: [UInt8] =
            [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10, 0x21, 0x21, 0, 36, 0x20, 1, 0x0D, 0xB8]
            + [UInt8](repeating: 0, count: 11) + [9] + [UInt8](repeating: 1, count: 16) + [0x13, 0x88, 0x0B, 0xB9]
        let ben = try Peer(to: address, from: Self.proxy)
        for byte in binary {
            try ben.send([byte])
            try loop.runOnce(waitingAtMost: .milliseconds(20))
        }
        try loop.run(until: "a client") { observer.clients.count == 2 }
        #expect(observer.clients[1].address == .ipv6(high: 0x2001_0DB8_0000_0000, low: 9, port: 5_000, scope: 0))
        try ana.send("are you?\n")
        try loop.run(until: "the line") { ben.text == "how are you?\n" }
        try ben.send(Self.header(8) + "well\n")
        try loop.run(until: "the lines") { ana.lines.count == 2 }
        #expect(ana.text == Self.line(8) + "well\n")
        ana.close()
        try loop.run(until: "ana has left") { observer.clients[0].address == nil }
    }

    @Test("From any other source, a header is a line like any other")
    func otherSources() throws {
        defer { loop.close() }
        let ana = try join("", from: .ipv4(address: 0x7F00_0007, port: 0))
        let ben = try join("", from: .ipv4(address: 0x7F00_000A, port: 0))
        try ben.send(Self.header(7))
        try loop.run(until: "the line") { ana.text == Self.line(7) }
        #expect(observer.clients.map { $0.address?.withPort(0) } == [7, 10].map { .ipv4(address: 0x7F00_0000 + $0, port: 0) })
    }

    @Test("Whom a proxy does not name has the proxy's address, and the limits of who comes from elsewhere")
    func unknown() throws {
        defer { loop.close() }
        server.limits.messageRate = RateLimit(perSecond: 7)
        let client = try join("PROXY UNKNOWN\r\n")
        #expect(observer.clients[0].address?.withPort(0) == Self.proxy)
        #expect(observer.clients[0].connection?.options.messageRate == RateLimit(perSecond: 7))
        withExtendedLifetime(client) {}
    }

    @Test("What a proxy connects for itself is no client")
    func local() throws {
        defer { loop.close() }
        let listener = try join(Self.header(1))
        let probe = try call("\r\n\r\n\0\r\nQUIT\n\u{20}\0\0\0hello\n")
        try loop.run(until: "it is there") { loop.connectionCount == 2 }
        try probe.send("is anybody there?\n")
        try listener.send("hello\n")
        try loop.run(until: "the line was read") { server.counts.receivedMessages == 1 }
        probe.close()
        try loop.run(until: "it has gone") { loop.connectionCount == 1 }
        #expect(observer.clients.count == 1 && listener.text.isEmpty)
        #expect(server.counts.refusals.isEmpty)
    }

    @Test("The access list, bans and limits are about the address in the header")
    func access() throws {
        defer { loop.close() }
        server.access.list = AccessList(allowing: [try AddressBlock("192.0.2.0/29")], denying: [try AddressBlock("192.0.2.3")])
        server.access.maximumPerAddress = 2
        server.access.connectRate = 3
        try expectRefused(Self.header(3) + "hello\n", .denied, saying: "! you may not connect from your address\n")
        try expectRefused(Self.header(8), .denied, saying: "! you may not connect from your address\n")
        #expect(observer.refused.map(\.0) == [3, 8].map { .ipv4(address: 0xC000_0200 + $0, port: 5_000) })
        var clients = [try join(Self.header(1)), try join(Self.header(1)), try join(Self.header(2))]
        try expectRefused(
            Self.header(1), .tooManyFromAddress, saying: "! there are too many connections from your address\n")
        clients.removeFirst().close()
        try loop.run(until: "it has left") { server.clientCount == 2 }
        clients.append(try join(Self.header(1)))
        clients.removeFirst().close()
        try loop.run(until: "it has left") { server.clientCount == 2 }
        try expectRefused(
            Self.header(1), .tooOften, saying: "! your address connects too often, try again in a minute\n")
        server.access.maximumConnections = 2
        try expectRefused(Self.header(2), .full, saying: "! the server is full, try again later\n")
        withExtendedLifetime(clients) {}
    }

    @Test(
        "A header that is malformed or cut off closes the connection, and is counted",
        arguments: ["hello\n", "PROXY TCP4 a b c d\r\n", "\r\n\r\n\0\r\nQUIT\n\u{22}\u{11}\0\0"])
    func malformed(_ words: String) throws {
        defer { loop.close() }
        try expectRefused(words, .badProxyHeader, saying: "")
        let caller = try call("PROXY TCP4 192.")
        caller.close()
        try loop.run(until: "it is counted") { server.counts.refusals[.badProxyHeader] == 2 }
        // A probe says nothing, and has done nothing wrong.
        let probe = try Peer(to: address, from: Self.proxy)
        try loop.run(until: "it is there") { loop.connectionCount == 1 }
        probe.close()
        try loop.run(until: "it has gone") { loop.connectionCount == 0 }
        #expect(server.counts.refusals == [.badProxyHeader: 2])
        #expect(server.counts.acceptedClients == 0)
    }

    @Test("A proxy that does not send its header is closed after ten seconds")
    func silent() throws {
        defer { loop.close() }
        let start = ContinuousClock.now
        try expectRefused("PROXY", .badProxyHeader, saying: "")
        #expect(start.duration(to: .now) >= .seconds(10))
    }

    @Test("The limits of who comes from elsewhere hold for whom a proxy on this machine names, and begin with the header")
    func limits() throws {
        defer { loop.close() }
        server.limits.firstMessageTimeout = .milliseconds(300)
        let local = try join("", from: .ipv4(address: 0x7F00_0001, port: 0))
        let start = ContinuousClock.now
        let remote = try join(Self.header(1))
        try loop.run(until: "it is closed") { remote.hasEnded }
        #expect(start.duration(to: .now) >= .milliseconds(300))
        #expect(remote.text.hasPrefix("! goodbye"))
        #expect(!local.hasEnded)
    }

    @Test("A caller whose header comes when the server is shutting down does not get in")
    func shuttingDown() throws {
        defer { loop.close() }
        let client = try join(Self.header(1))
        let caller = try call("PROXY")
        try loop.run(until: "it is there") { loop.connectionCount == 2 }
        server.shutDown(timeout: .seconds(60)) {}
        try caller.send(" TCP4 192.0.2.2 198.51.100.1 5000 3001\r\n")
        try loop.run(until: "it is closed") { caller.hasEnded || caller.failure != nil }
        #expect(observer.clients.count == 1)
        withExtendedLifetime(client) {}
    }
}
