import ChatReactor
import Glibc
import Reactor
import TestSupport
import Testing

/// `ChatServer.Configuration.limits` and `localLimits`: what they are by default, and whom they hold for.
@Suite struct ClientLimitsTests {
    /// An address of this machine that is not of its loopback interface.
    private static let outerAddress: SocketAddress? = {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&first) == 0 else { return nil }
        defer { unsafe freeifaddrs(first) }
        var next = unsafe first
        while let entry = unsafe next {
            unsafe next = entry.pointee.ifa_next
            guard let address = unsafe entry.pointee.ifa_addr, unsafe address.pointee.sa_family == AF_INET else { continue }
            let number = unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { address in
                unsafe UInt32(bigEndian: address.pointee.sin_addr.s_addr)
            }
            if number >> 24 != 127 { return .ipv4(address: number, port: 0) }
        }
        return nil
    }()

    private static func options(
        ofClientFrom origin: SocketAddress, _ configure: (inout ChatServer.Configuration) -> Void
    ) throws -> Connection.Options {
        let loop = try EventLoop()
        defer { loop.close() }
        var configuration = ChatServer.Configuration()
        configure(&configuration)
        let server = try ChatServer(on: loop, configuration: configuration)
        let listener = try server.listen(on: origin)
        let peer = try Peer(to: listener.address)
        try loop.run(until: "accepted") { server.clientCount == 1 }
        defer { peer.close() }
        return try #require(server.clients.first?.connection).options
    }

    @Test("A relay limits nobody, and neither does a chat limit its own machine")
    func nobody() throws {
        let path = TemporaryPath()
        for (number, origin) in [SocketAddress.loopback(port: 0), .unix(path: path.path)].enumerated() {
            let options = try Self.options(ofClientFrom: origin) { if number == 0 { $0.chat = .init(name: "tea") } }
            #expect(options.messageRate == nil && options.byteRate == nil && options.idleTimeout == nil)
            #expect(options.firstMessageTimeout == nil && options.unacknowledgedTimeout == nil)
        }
    }

    @Test("In a chat, who comes from elsewhere has 10 messages a second, and 30 at once", .enabled(if: outerAddress != nil))
    func fromElsewhere() throws {
        let outer = try #require(Self.outerAddress)
        let people = RateLimit(perSecond: 10, burst: 30)
        #expect(try Self.options(ofClientFrom: outer) { _ in }.messageRate == nil)
        #expect(try Self.options(ofClientFrom: outer) { $0.chat = .init(name: "tea") }.messageRate == people)
        let options = try Self.options(ofClientFrom: outer) {
            $0.limits = .init()
            $0.limits?.idleTimeout = .seconds(5)
            $0.limits?.byteRate = RateLimit(perSecond: 1_000)
            $0.chat = .init(name: "tea")
        }
        #expect(options.messageRate == nil)
        #expect(options.idleTimeout == .seconds(5) && options.byteRate == RateLimit(perSecond: 1_000))
    }

    @Test("Limits that are set later hold for those who are there, and for those who come", arguments: [false, true])
    func setLater(isChat: Bool) throws {
        let fixture = try ServerFixture {
            $0.limits = .init()
            if isChat { $0.chat = .init(name: "tea") }
        }
        let client = try fixture.join()
        let rate = RateLimit(perSecond: 7)
        fixture.server.localLimits.messageRate = rate
        #expect(fixture.server.localLimits.messageRate == rate)
        func options(of client: Client) -> Connection.Options? { fixture.loop.connection(client.id)?.options }
        try fixture.run(until: { options(of: client)?.messageRate == rate })
        #expect(options(of: try fixture.join())?.messageRate == rate)
        // Those who come from elsewhere have others.
        #expect(fixture.server.limits.messageRate == nil)
        fixture.server.localLimits = .init()
        try fixture.run(until: { options(of: client)?.messageRate == nil })
    }

    @Test("Who is closed for silence is told so, in a relay")
    func relay() throws {
        let fixture = try ServerFixture { $0.localLimits.idleTimeout = .milliseconds(200) }
        let (silent, speaker) = (try fixture.join(), try fixture.join())
        var next = ContinuousClock.now
        try fixture.run(until: {
            if .now > next {
                next = .now.advanced(by: .milliseconds(50))
                try? speaker.send("hello\n")
            }
            return silent.isAtEnd
        })
        #expect(silent.lines.last == "! goodbye: nothing has come from you for too long")
        #expect(!speaker.isAtEnd)
        silent.socket.close()
        try fixture.run(until: { fixture.reasons[silent.id] == .idleTimedOut })
    }

    @Test("In a chat, the others see that it has timed out")
    func chat() throws {
        let fixture = try ChatFixture(server: { $0.localLimits.idleTimeout = .milliseconds(500) })
        let (silent, speaker) = (try fixture.join(keepsWelcome: true), try fixture.join(keepsWelcome: true))
        var next = ContinuousClock.now
        try fixture.run(until: {
            if .now > next {
                next = .now.advanced(by: .milliseconds(50))
                try? speaker.client.send("hello\n")
            }
            if silent.isGone { silent.client.socket.close() }
            return speaker.client.text.contains("left: timed out")
        })
        #expect(silent.client.lines.last == "! goodbye: nothing has come from you for too long")
        #expect(speaker.client.text.contains("* guest1 left: timed out"))
        #expect(!speaker.isGone)
    }

    @Test("The people of a chat are delayed line by line, and lose none")
    func delayed() throws {
        let fixture = try ChatFixture(server: { $0.localLimits.messageRate = RateLimit(perSecond: 50, burst: 5) })
        let (ana, ben) = (try fixture.join(keepsWelcome: true), try fixture.join(keepsWelcome: true))
        let start = ContinuousClock.now
        let lines = (0..<20).map { "line \($0)" }
        try ana.client.send(lines.map { $0 + "\n" }.joined())
        try fixture.run(until: { ben.client.text.contains("line 19\n") })
        #expect(ben.client.lines.filter { $0.hasPrefix("guest1: ") } == lines.map { "guest1: \($0)" })
        #expect(start.duration(to: .now) >= .milliseconds(300))
    }
}
