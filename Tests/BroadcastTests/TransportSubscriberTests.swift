import Broadcast
import Reactor
import TestSupport
import Testing

/// A subscriber with a transport gets the topic's messages sealed, and never straight from the log.
struct TransportSubscriberTests {
    private let loop: EventLoop
    private let topic: Topic

    init() throws {
        loop = try EventLoop()
        topic = try Topic(on: loop)
    }

    /// Subscribes a connection whose handshake is complete.
    private func subscribe(sendBuffer: Int32? = nil) throws -> TestConnection {
        let test = try TestConnection(on: loop, options: ToyTransport.options(), sendBuffer: sendBuffer)
        try test.peer.send(ToyTransport.clientGreeting)
        try loop.run(until: "open") { test.connection.isOpen }
        #expect(try test.receive(7) == ToyTransport.serverGreeting(7))
        topic.subscribe(test.connection)
        return test
    }

    @Test func getsWhatIsPublishedSealed() throws {
        defer { loop.close() }
        let test = try subscribe()
        topic.publish("one\n")
        try loop.settle()
        topic.publish("two\n")
        #expect(try test.receive(12) == ToyTransport.record("one\n".utf8) + ToyTransport.record("two\n".utf8))
    }

    @Test func getsEverythingInOrderThoughItsSocketIsFull() throws {
        defer { loop.close() }
        let test = try subscribe(sendBuffer: 4_096)
        var published: [UInt8] = []
        for number in 0..<300 {
            let message = "\(number) \(String(repeating: "x", count: number * 7))\n"
            topic.publish(message)
            published += message.utf8
            if number.isMultiple(of: 10) { try loop.runOnce(waitingAtMost: .zero) }
        }
        var sealed: [UInt8] = []
        try loop.run(until: "everything received") {
            sealed += test.peer.receiveAvailable() ?? []
            return ToyTransport.plaintext(of: sealed).count >= published.count
        }
        #expect(ToyTransport.plaintext(of: sealed) == published)
    }
}
