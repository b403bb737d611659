import Broadcast
import Reactor
import Testing

/// Subscriptions that come and go leave nothing behind.
struct SubscriptionLifetimeTests {
    @Test func aTopicLivesNoLongerThanItsSubscriptions() throws {
        let loop = try EventLoop()
        weak var topic: Topic?
        let peer = try {
            let created = try Topic(on: loop)
            topic = created
            return try Peer(on: loop, in: created)
        }()
        #expect(topic?.subscriberCount == 1)
        topic?.publish("kept alive\n")
        try loop.drain(peer)
        #expect(peer.text == "kept alive\n")
        peer.hangUp()
        try loop.turn(2)
        #expect(topic == nil)
    }

    @Test func comingAndGoingLeavesNothingBehind() throws {
        let loop = try EventLoop()
        weak var topic: Topic?
        weak var connection: Connection?
        try {
            let created = try Topic(on: loop)
            topic = created
            let peer = try Peer(on: loop)
            connection = peer.connection
            for _ in 0..<1_000 {
                created.subscribe(try #require(peer.connection), history: 3)
                #expect(created.subscriberCount == 1)
                created.publish("message\n")
                created.unsubscribe(try #require(peer.connection))
                #expect(created.subscriberCount == 0)
            }
            peer.hangUp()
        }()
        try loop.turn(2)
        #expect(connection == nil)
        #expect(topic == nil)
    }

    @Test func aPublisherIsForgottenOnceItIsClosed() throws {
        let loop = try EventLoop()
        let topic = try Topic(on: loop)
        weak var connection: Connection?
        try {
            let peer = try Peer(on: loop)
            connection = peer.connection
            topic.addPublisher(try #require(connection))
            peer.hangUp()
            try loop.turn(2)
        }()
        #expect(connection == nil)
        topic.publish("nobody\n")
        try loop.turn()
    }

    @Test func closingTheLoopEndsEverySubscription() throws {
        let loop = try EventLoop()
        weak var topic: Topic?
        let peers = try {
            let created = try Topic(on: loop)
            topic = created
            let peers = try (0..<20).map { _ in try Peer(on: loop, in: created, sendBuffer: Peer.leastSendBuffer) }
            for _ in 0..<20 { created.publish(String(repeating: ".", count: 1_000) + "\n") }
            try loop.turn()
            return peers
        }()
        loop.close()
        for peer in peers {
            peer.read()
            #expect(peer.isAtEnd)
            #expect(peer.closeReason == .shutdown)
        }
        #expect(topic == nil)
    }

    @Test func thoseWhoStayAreFoundWhoeverLeaves() throws {
        let loop = try EventLoop()
        let topic = try Topic(on: loop)
        var peers = try (0..<40).map { _ in try Peer(on: loop, in: topic) }
        // From the middle, so that the cursors of others move.
        while peers.count > 1 {
            let leaving = peers.remove(at: peers.count / 3)
            topic.unsubscribe(try #require(leaving.connection))
            topic.publish("\(peers.count)\n")
            try loop.turn()
            #expect(Set(topic.connections.map(\.id)) == Set(peers.compactMap { $0.connection?.id }))
            leaving.read()
            #expect(leaving.lines.last != "\(peers.count)")
        }
        try loop.drain(peers[0])
        #expect(peers[0].lines == (1..<40).reversed().map { "\($0)" })
    }
}
