import Broadcast
import Glibc
import Reactor
import Testing

/// In a turn, a subscriber that lacks something costs one send, and one that lacks nothing costs none.
///
/// A sequenced-packet socket keeps sends apart: each of them is one piece for the far end.
struct OneSendATurnTests {
    @Test func messagesOfATurnLeaveTogether() throws {
        let loop = try EventLoop()
        let topic = try Topic(on: loop)
        let peers = try (0..<3).map { _ in try Peer(on: loop, in: topic, kind: SOCK_SEQPACKET) }
        for number in 0..<5 { topic.publish("\(number)\n") }
        try loop.turn()
        for peer in peers {
            peer.read()
            #expect(peer.text == "0\n1\n2\n3\n4\n")
            #expect(peer.receivedPieces == 1)
        }
    }

    @Test func itsOwnMessagesDoNotDivideWhatASenderGets() throws {
        let loop = try EventLoop()
        let topic = try Topic(on: loop)
        let peer = try Peer(on: loop, in: topic, kind: SOCK_SEQPACKET)
        topic.publish("before\n")
        topic.publish("own\n", from: peer.connection)
        topic.publish("own\n", from: peer.connection)
        topic.publish("after\n")
        try loop.turn()
        peer.read()
        #expect(peer.text == "before\nafter\n")
        #expect(peer.receivedPieces == 1)
    }

    @Test func privateLinesLeaveWithTheLog() throws {
        let loop = try EventLoop()
        let topic = try Topic(on: loop)
        let peer = try Peer(on: loop, in: topic, kind: SOCK_SEQPACKET)
        topic.publish("for all\n")
        peer.connection?.send("private\n")
        try loop.turn()
        peer.read()
        #expect(peer.text == "private\nfor all\n")
        #expect(peer.receivedPieces == 1)
    }

    @Test func whoHasEverythingIsSentNothing() throws {
        let loop = try EventLoop()
        let topic = try Topic(on: loop)
        let sender = try Peer(on: loop, in: topic, kind: SOCK_SEQPACKET)
        let other = try Peer(on: loop, in: topic, kind: SOCK_SEQPACKET)
        sender.write("hello\n")
        try loop.drain(sender, other)
        #expect(sender.receivedPieces == 0)
        #expect(other.receivedPieces == 1)
    }
}
