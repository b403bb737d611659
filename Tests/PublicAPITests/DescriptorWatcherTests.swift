import ChatReactor
import Glibc
import TestSupport
import Testing

/// Descriptors of several kinds, watched: a socket, inotify, and the output of a child.
struct DescriptorWatcherTests {
    private let loop: EventLoop

    init() throws {
        loop = try EventLoop()
    }

    private func receive(_ descriptor: Int32) -> String? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe read(descriptor, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }

    private func send(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        #expect(unsafe write(descriptor, bytes, bytes.count) == bytes.count)
    }

    /// A foreign library changes its mind with every reply.
    @Test func theInterestMayChangeAtAnyTime() throws {
        defer { loop.close() }
        let (mine, peer) = try socketPair()
        defer { close(mine) }
        var reported: [Readiness] = []
        let watcher = try loop.watch(mine, for: []) { _, readiness in reported.append(readiness) }
        try peer.send("hello")
        try loop.settle()
        #expect(reported.isEmpty)
        for (interest, expected) in [
            (Interest.writable, Readiness.writable), ([.readable, .writable], [.readable, .writable]), (.readable, .readable),
        ] {
            try watcher.setInterest(interest)
            #expect(watcher.interest == interest)
            reported = []
            try loop.runOnce(waitingAtMost: .seconds(10))
            #expect(reported == [expected])
        }
    }

    @Test func aFileThatChangesIsReportedThroughInotify() throws {
        defer { loop.close() }
        let path = "/tmp/chatreactor-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer {
            close(file)
            unsafe unlink(path)
        }
        let notifier = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        defer { close(notifier) }
        #expect(unsafe inotify_add_watch(notifier, path, UInt32(IN_MODIFY)) > 0)
        var changes = 0
        try loop.watch(notifier, for: .readable) { watcher, _ in
            if receive(watcher.descriptor) != nil { changes += 1 }
        }
        try loop.settle()
        #expect(changes == 0)
        send("more\n", to: file)
        try loop.run(until: "changed") { changes == 1 }
        #expect(try loop.turns(during: .milliseconds(50)) <= 2)
    }

    @Test func theOutputOfAChildIsReadToItsEnd() throws {
        defer { loop.close() }
        let child = try ChildProcess("sh", ["-c", "echo one; read word; echo \"$word\""], input: .pipe)
        let output = child.output.descriptor
        var text = ""
        var hasEnded = false
        try loop.watch(output, for: .readable) { watcher, _ in
            if let more = receive(output) {
                text += more
            } else {
                hasEnded = true
                watcher.cancel()
            }
        }
        try loop.run(until: "the first line") { text == "one\n" }
        try child.write("two\n")
        try loop.run(until: "the end") { hasEnded }
        #expect(text == "one\ntwo\n")
        #expect(try child.waitForEnd() == .exit(0))
    }
}
