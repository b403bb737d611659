import Broadcast
import Glibc
import KernelFaults
import Reactor
import Testing

/// Each fan-out begins with another subscriber, since the first one is served soonest.
@Suite(.enabled(if: kernel_faults_are_available()))
struct FairnessTests {
    @Test func everySubscriberIsServedFirstInItsTurn() throws {
        let loop = try EventLoop()
        let topic = try Topic(on: loop)
        let peers = try (0..<5).map { _ in try Peer(on: loop, in: topic) }
        var first: [Int] = []
        for number in 0..<10 {
            topic.publish("\(number)\n")
            // The first to be sent anything in the turn is the one that does not get it in that turn.
            kernel_begin()
            kernel_fail(KERNEL_SEND, 0, 1, EAGAIN)
            try loop.turn()
            kernel_rest()
            let without = peers.indices.filter { peers[$0].read() == 0 }
            try #require(without.count == 1)
            first += without
            try loop.drain(peers[without[0]])
        }
        #expect(Set(first[..<5]) == Set(peers.indices))
        #expect(first[..<5] == first[5...])
        for peer in peers { #expect(peer.lines == (0..<10).map { "\($0)" }) }
    }
}
