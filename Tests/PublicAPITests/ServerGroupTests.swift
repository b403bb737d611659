import ChatReactor
import Glibc
import Synchronization
import TestSupport
import Testing

/// Servers on several loops that are one relay.
struct ServerGroupTests {
    @Test func whatOneSaysReachesAllWhateverTheirLoop() async throws {
        let fixture = try await ServerGroupFixture()
        let listener = try fixture.server.listen(on: .loopback(port: 0))
        let peers = try fixture.join(9, at: listener.address)
        try fixture.run(until: "all are there") { fixture.group.clientCount == 9 }
        // In turn, so evenly.
        #expect(try await fixture.clientCounts() == [3, 3, 3])
        for (index, peer) in peers.enumerated() { try peer.send((0..<50).map { "\(index) \($0)\n" }.joined()) }
        try fixture.run(until: "all has come") { peers.allSatisfy { $0.lines.count == 8 * 50 } }
        for (index, peer) in peers.enumerated() {
            let next = (index + 1) % peers.count
            // One order, less one's own.
            #expect(
                peer.lines.filter { !$0.hasPrefix("\(next) ") } == peers[next].lines.filter { !$0.hasPrefix("\(index) ") })
        }
        fixture.server.room.announce("from the operator")
        try fixture.run(until: "all have it") { peers.allSatisfy { $0.lines.last == "from the operator" } }
        try peers[0].send("x\n")
        try fixture.run(until: "it has gone") { fixture.group.clientCount == 8 && peers[0].hasEnded }
        try await fixture.stop()
    }

    @Test func aPathIsSharedAsWell() async throws {
        let fixture = try await ServerGroupFixture(loopCount: 2)
        let listener = try fixture.server.listen(on: .temporaryPath())
        let peers = try fixture.join(4, at: listener.address)
        try fixture.run(until: "all are there") { fixture.group.clientCount == 4 }
        #expect(try await fixture.clientCounts() == [2, 2])
        try peers[0].send("hello\n")
        try fixture.run(until: "all have it") { peers.dropFirst().allSatisfy { $0.text == "hello\n" } }
        try await fixture.stop()
    }

    /// Those who are on their way to another loop count as well: all of these come at once.
    @Test func limitsHoldForAllLoopsTogether() async throws {
        let fixture = try await ServerGroupFixture {
            $0.access.maximumConnections = 5
        }
        let listener = try fixture.server.listen(on: .loopback(port: 0))
        let peers = try fixture.join(9, at: listener.address)
        try fixture.run(until: "the refused have gone") { peers.count(where: \.hasEnded) == 4 }
        #expect(peers.filter(\.hasEnded).allSatisfy { $0.text == "! the server is full, try again later\n" })
        try fixture.run(until: "the others are there") { fixture.group.clientCount == 5 }
        #expect(fixture.server.counts.refusals == [.full: 4])
        // Who goes makes room, on whatever loop it was.
        for peer in peers.filter({ !$0.hasEnded }).prefix(2) { try peer.send("x\n") }
        try fixture.run(until: "two have gone") { fixture.group.clientCount == 3 }
        let late = try fixture.join(3, at: listener.address)
        try fixture.run(until: "one is refused") { late.contains(where: \.hasEnded) && fixture.group.clientCount == 5 }
        #expect(late.count(where: \.hasEnded) == 1)
        try await fixture.stop()
    }

    /// Holds its loop up with the first client, until it is told to go on.
    private final class Holding: ChatServerObserver, Sendable {
        let mayGoOn = Atomic(false)

        func server(_ server: ChatServer, didAccept client: ChatServer.Client) {
            while !mayGoOn.load(ordering: .acquiring) { usleep(1_000) }
        }
    }

    /// Whoever has arrived at its loop is not on its way any more, even if that loop has not come to an end of its arrivals.
    @Test(arguments: [false, true])
    func nobodyCountsTwice(isForEachAddress: Bool) async throws {
        let fixture = try await ServerGroupFixture(loopCount: 2) {
            if isForEachAddress { $0.access.maximumPerAddress = 4 } else { $0.access.maximumConnections = 4 }
        }
        let holding = Holding()
        try await fixture.holdUp(by: holding)
        let listener = try fixture.server.listen(on: .loopback(port: 0))
        let peers = try fixture.join(2, at: listener.address)
        try fixture.run(until: "both are there") { fixture.group.clientCount == 2 }
        let more = try fixture.join(2, at: listener.address)
        try fixture.run(until: "one more is there, or is refused") {
            fixture.group.clientCount == 3 || more.contains(where: \.hasEnded)
        }
        try fixture.loop.settle()
        holding.mayGoOn.store(true, ordering: .releasing)
        try fixture.run(until: "all are there, or are refused") {
            fixture.group.clientCount + more.count(where: \.hasEnded) == 4
        }
        #expect((peers + more).allSatisfy { !$0.hasEnded })
        try await fixture.stop()
    }

    @Test func aLimitForEachAddressThatIsSetLaterCountsThoseOfAllLoops() async throws {
        let fixture = try await ServerGroupFixture()
        let listener = try fixture.server.listen(on: .loopback(port: 0))
        let first = try fixture.join(6, at: listener.address)
        try fixture.run(until: "all are there") { fixture.group.clientCount == 6 }
        fixture.server.access.maximumPerAddress = 6
        // All of the others have entered theirs once they have run this as well.
        _ = try await fixture.clientCounts()
        let late = try fixture.join(1, at: listener.address)
        try fixture.run(until: "it is refused") { late[0].hasEnded }
        #expect(late[0].text == "! there are too many connections from your address\n")
        for peer in first.prefix(2) { try peer.send("x\n") }
        try fixture.run(until: "two have gone") { fixture.group.clientCount == 4 }
        let more = try fixture.join(2, at: listener.address)
        try fixture.run(until: "both are there") { fixture.group.clientCount == 6 }
        #expect(more.allSatisfy { !$0.hasEnded })
        try await fixture.stop()
    }

    @Test func aProxysCallersAreJudgedWhereTheyAreServed() async throws {
        let (proxies, denied) = ([try AddressBlock("127.0.0.1")], [try AddressBlock("192.0.2.0/24")])
        let fixture = try await ServerGroupFixture {
            $0.access.proxies = proxies
            $0.access.list = AccessList(allowing: nil, denying: denied)
        }
        let listener = try fixture.server.listen(on: .loopback(port: 0))
        let peers = try fixture.join(6, at: listener.address)
        for (index, peer) in peers.enumerated() {
            try peer.send("PROXY TCP4 \(index % 2 == 0 ? "192.0.2.7" : "198.51.100.7") 192.0.2.1 1 2\r\nhello\n")
        }
        try fixture.run(until: "half of them are refused") {
            peers.count(where: \.hasEnded) == 3 && fixture.group.clientCount == 3
        }
        for (index, peer) in peers.enumerated() where index % 2 == 0 {
            #expect(peer.text == "! you may not connect from your address\n")
        }
        try await fixture.stop()
    }

    /// Whoever comes by a proxy is judged on the loop where it is served: here the same is asked on all of them at once.
    @Test func theLastPlaceIsGivenOnce() async throws {
        let proxies = [try AddressBlock("127.0.0.1")]
        let fixture = try await ServerGroupFixture(loopCount: 4) {
            $0.access.proxies = proxies
            $0.access.maximumPerAddress = 1
        }
        let listener = try fixture.server.listen(on: .loopback(port: 0))
        for round in 0..<8 {
            let peers = try fixture.join(64, at: listener.address)
            try fixture.loop.settle()
            for (index, peer) in peers.enumerated() { try peer.send("PROXY TCP4 192.0.2.\(index / 4) 192.0.2.100 1 2\r\n") }
            try fixture.run(until: "the others are refused") { peers.count(where: \.hasEnded) + fixture.group.clientCount == 64 }
            #expect(fixture.group.clientCount == 16, "round \(round)")
            for peer in peers where !peer.hasEnded { try peer.send("x\n") }
            try fixture.run(until: "all have gone") { fixture.group.clientCount == 0 }
        }
        try await fixture.stop()
    }

    @Test func allAreToldGoodbyeAndFinishTogether() async throws {
        let fixture = try await ServerGroupFixture()
        let listener = try fixture.server.listen(on: .loopback(port: 0))
        let peers = try fixture.join(7, at: listener.address)
        try fixture.run(until: "all are there") { fixture.group.clientCount == 7 }
        var isDown = 0
        fixture.server.room.announce("last words")
        fixture.server.shutDown(timeout: .seconds(30)) { isDown += 1 }
        #expect(isDown == 0)
        #expect(throws: Errno.canceled) { try fixture.server.listen(on: .loopback(port: 0)) }
        try fixture.run(until: "it is down") { isDown == 1 }
        #expect(fixture.group.clientCount == 0)
        try fixture.run(until: "all have ended") { peers.allSatisfy(\.hasEnded) }
        for peer in peers { #expect(peer.text == "last words\n! goodbye: the server is shutting down\n") }
        // Once more is at once: none of the servers is left to be waited for.
        fixture.server.shutDown(timeout: .seconds(30)) { isDown += 1 }
        try fixture.run(until: "it is down again") { isDown == 2 }
        try await fixture.stop()
    }

    /// They have no log in common, and nobody else has had one of them join anything.
    @Test(arguments: [false, true]) func aGroupOfNoClusterEndsAllTheSame(isChat: Bool) async throws {
        let fixture = try await ServerGroupFixture(isOfCluster: true) { configuration in
            if isChat { configuration.chat = Chat.Configuration(name: "tea") }
        }
        let listener = try fixture.server.listen(on: .loopback(port: 0))
        let peers = try fixture.join(7, at: listener.address)
        try fixture.run(until: "all are there") { fixture.group.clientCount == 7 }
        var isDown = false
        fixture.server.shutDown(timeout: .seconds(3_600)) { isDown = true }
        try fixture.run(until: "it is down") { isDown }
        try fixture.run(until: "all have ended") { peers.allSatisfy(\.hasEnded) }
        for peer in peers { #expect(peer.text.hasSuffix("! goodbye: the server is shutting down\n")) }
        try await fixture.stop()
    }

    /// Each of them waits for the others, and none for another's wait.
    @Test func allMayBeShutDownAtOnce() async throws {
        let fixture = try await ServerGroupFixture()
        let listener = try fixture.server.listen(on: .loopback(port: 0))
        let peers = try fixture.join(6, at: listener.address)
        try fixture.run(until: "all are there") { fixture.group.clientCount == 6 }
        let group = fixture.group
        let clientsLeft = Mutex<[Int]>([])
        group.execute { server in
            server.shutDown(timeout: .seconds(3_600)) { clientsLeft.withLock { $0.append(group.clientCount) } }
        }
        try fixture.run(until: "all are down") { clientsLeft.withLock(\.count) == 3 }
        // Each completion comes when the last client has gone, of all servers.
        #expect(clientsLeft.withLock(\.self) == [0, 0, 0])
        try fixture.run(until: "all have ended") { peers.allSatisfy(\.hasEnded) }
        for peer in peers { #expect(peer.text.hasSuffix("! goodbye: the server is shutting down\n")) }
        try await fixture.stop()
    }

    /// Its last words have no room in the log yet, for which it would wait.
    @Test func aServerWhoseLoopIsClosedMeanwhileShutsTheOthersDownAllTheSame() async throws {
        let fixture = try await ServerGroupFixture(loopCount: 2)
        let holding = Holding()
        try await fixture.holdUp(by: holding)
        let listener = try fixture.server.listen(on: .loopback(port: 0))
        let peers = try fixture.join(2, at: listener.address)
        try fixture.run(until: "both are there") { fixture.group.clientCount == 2 }
        let line = String(repeating: ".", count: 60_000)
        for _ in 0..<8 { fixture.server.announce(line) }
        fixture.server.shutDown(timeout: .seconds(3_600)) {}
        for _ in 0..<3 { try fixture.loop.runOnce(waitingAtMost: .zero) }
        #expect(fixture.group.clientCount == 2)
        fixture.loop.close()
        holding.mayGoOn.store(true, ordering: .releasing)
        try wait(for: "both to be closed") {
            for peer in peers { peer.read() }
            return peers.allSatisfy(\.hasEnded)
        }
        try await fixture.stop()
    }

    @Test func aLoopThatIsClosedIsNotWaitedFor() async throws {
        let fixture = try await ServerGroupFixture()
        let listener = try fixture.server.listen(on: .loopback(port: 0))
        let peers = try fixture.join(3, at: listener.address)
        try fixture.run(until: "all are there") { fixture.group.clientCount == 3 }
        try await fixture.others[0].stop()
        #expect(fixture.group.clientCount == 2)
        // Its turn comes, and others are served all the same.
        let late = try fixture.join(4, at: listener.address)
        try fixture.run(until: "they are there") { fixture.group.clientCount == 6 }
        try late[0].send("hello\n")
        try fixture.run(until: "all have it") { (peers + late.dropFirst()).count { $0.text == "hello\n" } == 5 }
        var isDown = false
        fixture.server.shutDown(timeout: .seconds(30)) { isDown = true }
        try fixture.run(until: "it is down") { isDown }
        try await fixture.stop()
    }

    @Test func whatIsOnOneLoopIsRefused() async throws {
        var configuration = ChatServer.Configuration()
        configuration.chat = Chat.Configuration(name: "chat")
        configuration.chat?.roomLogDirectory = "somewhere"
        #expect(throws: ChatServer.StartError.roomLogsInGroup) { try ServerGroup(configuration: configuration) }
        let fixture = try await ServerGroupFixture(loopCount: 1)
        #expect(throws: Errno.operationNotSupported) { try fixture.server.listenForWeb(on: .loopback(port: 0)) }
        try await fixture.stop()
    }
}
