import ChatReactor
import Glibc
import TestSupport
import Testing

/// Who may come in to a server, how many and how often: one more than there may be is told so, and the one before is a client.
struct AccessTests {
    private final class Observer: ChatServerObserver {
        var refused: [AccessRefusal] = []
        var acceptedCount = 0
        /// A client that nothing refers to any more would leave.
        var clients: [Peer] = []
        func server(_ server: ChatServer, didAccept client: ChatServer.Client) { acceptedCount += 1 }
        func server(_ server: ChatServer, didRefuse caller: SocketAddress, because refusal: AccessRefusal) {
            refused.append(refusal)
        }
    }

    private let loop: EventLoop
    private let server: ChatServer
    private let observer = Observer()

    init() throws {
        loop = try EventLoop()
        server = try ChatServer(on: loop)
        server.addObserver(observer)
    }

    private static func here(_ last: UInt32) -> SocketAddress { .ipv4(address: 0x7F00_0000 + last, port: 0) }

    /// A client that has been let in.
    private func join(_ address: SocketAddress, from source: SocketAddress? = nil) throws -> Peer {
        let count = observer.acceptedCount
        let client = try source.map { try Peer(to: address, from: $0) } ?? Peer(to: address)
        observer.clients.append(client)
        try loop.run(until: "a client") { observer.acceptedCount == count + 1 }
        return client
    }

    /// What a caller is told who is not let in.
    private func refusal(at address: SocketAddress, from source: SocketAddress? = nil, saying words: String = "") throws -> String
    {
        let (accepted, connections) = (observer.acceptedCount, loop.connectionCount)
        let caller = try source.map { try Peer(to: address, from: $0) } ?? Peer(to: address)
        if !words.isEmpty { try caller.send(words) }
        try loop.run(until: "the end") { caller.hasEnded || caller.failure != nil }
        #expect(observer.acceptedCount == accepted && loop.connectionCount == connections)
        #expect(caller.failure == nil)
        return caller.text
    }

    private func leave(_ client: Peer) throws {
        let count = server.clientCount
        client.close()
        try loop.run(until: "the client has left") { server.clientCount == count - 1 }
    }

    @Test("There are as many clients as there may be, wherever they come from; when one has left, there is room again")
    func total() throws {
        defer { loop.close() }
        server.access.maximumConnections = 2
        let (tcp, unix) = (try server.listen(on: .loopback(port: 0)).address, SocketAddress.temporaryPath())
        try server.listen(on: unix)
        let clients = [try join(tcp), try join(unix)]
        for address in [tcp, unix] { #expect(try refusal(at: address) == "! the server is full, try again later\n") }
        try clients[0].send("hello\n")
        try loop.run(until: "the line") { clients[1].text == "hello\n" }
        try leave(clients[0])
        _ = try join(unix)
        #expect(try refusal(at: tcp) == "! the server is full, try again later\n")
        #expect(server.counts.refusals[.full] == 3)
        #expect(observer.refused == [.full, .full, .full])
    }

    @Test("One address has as many clients as it may; others have their own, and those at Unix-domain sockets are one")
    func perAddress() throws {
        defer { loop.close() }
        server.access.maximumPerAddress = 2
        let (tcp, unix) = (try server.listen(on: .loopback(port: 0)).address, SocketAddress.temporaryPath())
        try server.listen(on: unix)
        let sentence = "! there are too many connections from your address\n"
        let clients = [try join(tcp), try join(tcp)]
        #expect(try refusal(at: tcp) == sentence)
        let others = [try join(tcp, from: Self.here(2)), try join(unix), try join(unix)]
        #expect(try refusal(at: unix) == sentence)
        try leave(clients[0])
        _ = try join(tcp)
        #expect(try refusal(at: tcp) == sentence)
        try leave(others[1])
        _ = try join(unix)
        #expect(server.counts.refusals[.tooManyFromAddress] == 3)
    }

    @Test("An address connects as often as it may, also if its clients leave; another one is not held up")
    func rate() throws {
        defer { loop.close() }
        server.access.connectRate = 3
        let address = try server.listen(on: .loopback(port: 0)).address
        for _ in 0..<3 { try leave(try join(address)) }
        #expect(try refusal(at: address) == "! your address connects too often, try again in a minute\n")
        _ = try join(address, from: Self.here(2))
        #expect(server.counts.refusals[.tooOften] == 1)
        // A change of something else does not fill the bucket again.
        server.access.maximumConnections = 100
        #expect(try refusal(at: address) == "! your address connects too often, try again in a minute\n")
        server.access.connectRate = nil
        _ = try join(address)
    }

    @Test("Who is not on the list is told so; who is at a Unix-domain socket always is")
    func list() throws {
        defer { loop.close() }
        server.access.list = AccessList(
            allowing: [try AddressBlock("127.0.0.0/24")], denying: [try AddressBlock("127.0.0.3")])
        let (tcp, unix) = (try server.listen(on: .loopback(port: 0)).address, SocketAddress.temporaryPath())
        try server.listen(on: unix)
        let sentence = "! you may not connect from your address\n"
        _ = [try join(tcp, from: Self.here(2)), try join(tcp, from: Self.here(255)), try join(unix)]
        #expect(try refusal(at: tcp, from: Self.here(3)) == sentence)
        #expect(try refusal(at: tcp, from: Self.here(256)) == sentence)
        #expect(server.counts.refusals[.denied] == 2)
        // An empty list of the allowed is one.
        server.access.list = AccessList(allowing: [])
        #expect(try refusal(at: tcp) == sentence)
        _ = try join(unix)
    }

    @Test("New rules close nobody, and count those who are there")
    func newRules() throws {
        defer { loop.close() }
        let address = try server.listen(on: .loopback(port: 0)).address
        let clients = [try join(address), try join(address)]
        server.access.maximumPerAddress = 2
        #expect(try refusal(at: address) != "")
        try leave(clients[0])
        _ = try join(address)
        server.access.maximumPerAddress = 1
        #expect(try refusal(at: address) != "")
        #expect(server.clientCount == 2)
        // Nobody is counted in between.
        server.access.maximumPerAddress = nil
        try leave(clients[1])
        let more = [try join(address), try join(address)]
        server.access.maximumPerAddress = 3
        #expect(try refusal(at: address) != "")
        try leave(more[0])
        _ = try join(address)
    }

    @Test("A banned address is no client of a chat")
    func banned() throws {
        defer { loop.close() }
        var configuration = ChatServer.Configuration()
        configuration.chat = Chat.Configuration(name: "tea")
        let server = try ChatServer(on: loop, configuration: configuration)
        server.addObserver(observer)
        let address = try server.listen(on: .loopback(port: 0)).address
        try server.chat?.ban(Ban(.addresses(try AddressBlock("127.0.0.2")), reason: "rude"))
        #expect(try refusal(at: address, from: Self.here(2)) == "! banned: rude\n")
        #expect(server.counts.refusals[.banned] == 1)
        _ = try join(address, from: Self.here(3))
    }

    @Test("Who is refused gets the line whole, whatever it has sent by then", arguments: ["", "hello\n", "much"])
    func wholeLine(words: String) throws {
        defer { loop.close() }
        server.access.maximumConnections = 1
        let unix = SocketAddress.temporaryPath()
        let addresses = [try server.listen(on: .loopback(port: 0)).address, try server.listen(on: unix).address]
        let client = try join(addresses[0])
        let words = words == "much" ? String(repeating: "a", count: 60_000) : words
        for address in addresses {
            for _ in 0..<20 {
                #expect(try refusal(at: address, saying: words) == "! the server is full, try again later\n")
            }
        }
        #expect(client.text == "")
    }

    @Test("Refused callers leave nothing behind, and those who have gone already are no harm")
    func nothingIsLeft() throws {
        defer { loop.close() }
        server.access.maximumConnections = 1
        let address = try server.listen(on: .loopback(port: 0)).address
        let client = try join(address)
        for number in 0..<300 {
            let caller = try Peer(to: address)
            if number % 2 == 0 { caller.reset() }
            caller.close()
        }
        try loop.run(until: "all are refused") { server.counts.refusals[.full] == 300 }
        #expect(loop.connectionCount == 1)
        #expect(client.text == "")
    }

    @Test("A server without rules has the limit of its descriptors alone")
    func defaults() throws {
        defer { loop.close() }
        let rules = server.access
        #expect(rules.maximumConnections == nil && rules.maximumPerAddress == nil && rules.connectRate == nil)
        #expect(!rules.list.isRestricted)
        #expect(server.counts.refusals.isEmpty)
    }
}
