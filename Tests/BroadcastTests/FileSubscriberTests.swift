import Broadcast
import Glibc
import KernelFaults
import Reactor
import TestSupport
import Testing

/// A file can be subscribed, and gets each message whole, though it takes a part of it at a time and nothing says that it takes more.
struct FileSubscriberTests {
    @Test(.enabled(if: kernel_faults_are_available()), arguments: [1, 5, 12, 100])
    func theRestOfAMessageFollows(_ limit: Int) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let file = TemporaryPath()
        let handler = RecordingHandler()
        let connection = try loop.adopt(OwnedDescriptor(takingOver: file.open(O_WRONLY)), for: .output, handler: handler)
        let topic = try Topic(on: loop)
        topic.subscribe(connection)
        kernel_begin()
        defer { kernel_rest() }
        kernel_limit(limit)
        topic.publish("0123456789\n")
        topic.publish("abcdefghij\n")
        try loop.settle()
        kernel_rest()
        #expect(try file.text == "0123456789\nabcdefghij\n")
        #expect(handler.events == [.opened])
    }
}
