import ChatReactor
import ReactorWeb
import Synchronization
import TestSupport
import Testing

/// Servers on several loops that are one chat.
struct ChatGroupTests {
    private func fixture(loopCount: Int = 3) async throws -> ServerGroupFixture {
        try await ServerGroupFixture(loopCount: loopCount) { $0.chat = Chat.Configuration(name: "tea") }
    }

    @Test func `what one says reaches all, whatever their loop, in one order`() async throws {
        let fixture = try await fixture()
        let listener = try fixture.server.listen(on: .loopback(port: 0))
        let peers = try fixture.join(9, at: listener.address)
        try fixture.run(until: "all are there") { fixture.server.chat?.online == 9 }
        #expect(try await fixture.clientCounts() == [3, 3, 3])
        for (index, peer) in peers.enumerated() { try peer.send((0..<100).map { "\(index) \($0)\n" }.joined()) }
        let said = { (peer: Peer) in peer.lines.filter { $0.contains(": ") && $0.hasPrefix("guest") } }
        try fixture.run(until: "all has come") { peers.allSatisfy { said($0).count == 8 * 100 } }
        for (index, peer) in peers.enumerated() {
            let next = (index + 1) % peers.count
            #expect(
                said(peer).filter { !$0.contains(": \(next) ") } == said(peers[next]).filter { !$0.contains(": \(index) ") })
        }
        try await fixture.stop()
    }

    /// What each loop decides for itself at the same moment.
    @Test func `of many who take a name at the same moment, one has it`() async throws {
        let fixture = try await fixture()
        let listener = try fixture.server.listen(on: .loopback(port: 0))
        let peers = try fixture.join(9, at: listener.address)
        try fixture.run(until: "all are there") { fixture.server.chat?.online == 9 }
        for round in 0..<20 {
            for peer in peers { try peer.send("/nick ana\(round)\n") }
            try fixture.run(until: "all are answered") {
                peers.allSatisfy { peer in
                    peer.lines.count { $0 == "! somebody else has that name" || $0.hasPrefix("* you are now ana") } == round + 1
                }
            }
            #expect(peers.count { $0.lines.contains("* you are now ana\(round)") } == 1)
        }
        try await fixture.stop()
    }

    @Test func `browsers are served by all loops`() async throws {
        let fixture = try await fixture(loopCount: 2)
        let lines = try fixture.server.listen(on: .loopback(port: 0))
        let web = try fixture.server.listenForWeb(on: .loopback(port: 0))
        let peers = try fixture.join(2, at: lines.address)
        let browsers = try fixture.join(4, at: web.address)
        for browser in browsers { try browser.send(WebSocketPeer.request()) }
        try fixture.run(until: "all are there") { fixture.server.chat?.online == 6 }
        #expect(try await fixture.clientCounts() == [3, 3])
        try peers[0].send("/nick ana\nhello\n")
        try fixture.run(until: "all have it") {
            peers[1].lines.last == "ana: hello" && browsers.allSatisfy { $0.text.hasSuffix("ana: hello") }
        }
        try await fixture.stop()
    }

    @Test func `somebody else can be sent away by a server on another loop`() async throws {
        let fixture = try await fixture()
        let listener = try fixture.server.listen(on: .loopback(port: 0))
        let peers = try fixture.join(6, at: listener.address)
        try fixture.run(until: "all are there") { fixture.server.chat?.online == 6 }
        let chat = try #require(fixture.server.chat)
        for person in chat.people { chat.kick(person, reason: "tidying") }
        try fixture.run(until: "they are gone") { peers.allSatisfy(\.hasEnded) && chat.online == 0 }
        for peer in peers { #expect(peer.lines.contains("! kicked: tidying")) }
        try await fixture.stop()
    }

    @Test func `all servers end together`() async throws {
        let fixture = try await fixture()
        let listener = try fixture.server.listen(on: .loopback(port: 0))
        let peers = try fixture.join(6, at: listener.address)
        try fixture.run(until: "all are there") { fixture.server.chat?.online == 6 }
        let group = fixture.group
        let endCount = Mutex(0)
        group.execute { server in server.shutDown(timeout: .seconds(3_600)) { endCount.withLock { $0 += 1 } } }
        try fixture.run(until: "all are down") { endCount.withLock(\.self) == 3 && peers.allSatisfy(\.hasEnded) }
        for peer in peers { #expect(peer.lines.last == "! goodbye: the server is shutting down") }
        try await fixture.stop()
    }

    @Test func `a loop that is closed is missed by the others`() async throws {
        let fixture = try await fixture()
        let listener = try fixture.server.listen(on: .loopback(port: 0))
        let peers = try fixture.join(6, at: listener.address)
        try fixture.run(until: "all are there") { fixture.server.chat?.online == 6 }
        try await fixture.others[0].stop()
        try fixture.run(until: "its people are gone") { fixture.server.chat?.online == 4 }
        #expect(peers.count { $0.hasEnded } == 2)
        let there = peers.filter { !$0.hasEnded }
        try there[0].send("hello\n")
        try fixture.run(until: "all have it") { there.dropFirst().allSatisfy { $0.lines.last?.hasSuffix(": hello") == true } }
        try await fixture.stop()
    }
}
