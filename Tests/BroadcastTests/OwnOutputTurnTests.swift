import Broadcast
import KernelFaults
import Reactor
import TestSupport
import Testing

/// The own output of a connection and its topic's take turns wherever the kernel stops.
struct OwnOutputTurnTests {
    /// The kernel takes 10 bytes at a time, which is what each own message has, and each of the topic's, or another length than that.
    @Test(.enabled(if: kernel_faults_are_available()), arguments: [10, 9, 11, 1], [10, 9, 11, 1])
    func wherever(ownLength: Int, topicLength: Int) throws {
        let test = try TestConnection()
        let topic = try Topic(on: test.loop)
        topic.subscribe(test.connection)
        func message(_ letter: String, _ length: Int) -> String { String(repeating: letter, count: length - 1) + "\n" }
        test.handler.onDrain = { $0.send(message("o", ownLength)) }
        test.connection.send(message("o", ownLength))
        kernel_begin()
        defer { kernel_rest() }
        kernel_limit(10)
        for _ in 0..<400 {
            topic.publish(message("t", topicLength))
            topic.publish(message("t", topicLength))
            try test.loop.runOnce(waitingAtMost: .zero)
        }
        kernel_rest()
        let text = test.peer.text
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        #expect(lines.allSatisfy { Set($0).count <= 1 }, "no message is cut by another")
        // What waits of the own output is one message. Of the topic's, it is more and more, of which the kernel takes ten bytes.
        for letter in ["o", "t"] where (letter == "o" ? ownLength : topicLength) > 1 {
            #expect(text.count { String($0) == letter } > 100, "\(letter)")
        }
    }
}
