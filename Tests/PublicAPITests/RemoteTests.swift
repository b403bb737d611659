import ChatReactor
import Foundation
import Glibc
import TestSupport
import Testing

/// What `EventLoop.Remote` promises to other threads.
struct RemoteTests {
    /// Notes that are only touched on the loop's thread, which is the test's.
    private final class Notes: @unchecked Sendable {
        var numbers: [Int] = []
        var threads: Set<pthread_t> = []
    }

    @Test("What is handed over runs on the loop's thread, with the loop at hand")
    func thread() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (remote, notes, expected) = (loop.remote, Notes(), Confined(loop))
        Thread.detachNewThread {
            remote.execute { loop in
                notes.threads.insert(pthread_self())
                if loop === expected.value { notes.numbers.append(1) }
            }
        }
        try loop.run(until: "the task") { !notes.threads.isEmpty }
        #expect(notes.threads == [pthread_self()])
        #expect(notes.numbers == [1])
    }

    @Test("It runs after everything that was handed over before it")
    func order() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (remote, notes) = (loop.remote, Notes())
        for thread in 0..<4 {
            Thread.detachNewThread {
                for number in 0..<1_000 { remote.execute { _ in notes.numbers.append(thread * 1_000 + number) } }
            }
        }
        try loop.run(until: "all tasks") { notes.numbers.count == 4_000 }
        for thread in 0..<4 {
            #expect(notes.numbers.filter { $0 / 1_000 == thread } == Array(thread * 1_000..<(thread + 1) * 1_000))
        }
    }

    @Test("A loop that waits is woken for it")
    func wakes() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (remote, notes) = (loop.remote, Notes())
        Thread.detachNewThread { remote.execute { _ in notes.numbers.append(1) } }
        for _ in 0..<3 where notes.numbers.isEmpty { try loop.runOnce(waitingAtMost: patience) }
        #expect(notes.numbers == [1])
    }

    @Test("The loop's own thread may hand over, too, and a task may hand over another")
    func fromTheLoop() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (remote, notes) = (loop.remote, Notes())
        remote.execute { loop in
            notes.numbers.append(1)
            loop.remote.execute { _ in notes.numbers.append(2) }
        }
        #expect(notes.numbers == [])
        try loop.run(until: "both tasks") { notes.numbers.count == 2 }
        #expect(notes.numbers == [1, 2])
    }

    @Test("A task may use the loop: what it sends leaves")
    func usesTheLoop() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        let (remote, name) = (loop.remote, member.connection.id)
        Thread.detachNewThread {
            remote.execute { loop in
                loop.schedule(after: .milliseconds(1)) { loop.connection(name)?.send("hello\n") }
            }
        }
        try loop.run(until: "the text") { member.peer.text == "hello\n" }
    }

    @Test("Another thread can stop the loop")
    func stop() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (remote, notes) = (loop.remote, Notes())
        Thread.detachNewThread {
            remote.execute { _ in notes.numbers.append(1) }
            remote.stop()
        }
        try loop.run()
        #expect(notes.numbers == [1])
    }

    @Test("A stop that came before is remembered: then run returns at once, but only one run does")
    func earlyStop() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        loop.remote.stop()
        try loop.run()
        var hasRun = false
        loop.schedule(after: .milliseconds(20)) {
            hasRun = true
            loop.stop()
        }
        try loop.run()
        #expect(hasRun)
    }

    @Test("It does not keep the loop alive; what is handed over once the loop is gone is dropped")
    func doesNotKeep() throws {
        final class Witness: Sendable {}
        var loop: EventLoop? = try EventLoop()
        weak let gone = loop
        let remote = try #require(loop?.remote)
        loop?.close()
        loop = nil
        #expect(gone == nil)
        weak var dropped: Witness?
        do {
            let witness = Witness()
            dropped = witness
            remote.execute { _ in _ = witness }
            remote.stop()
        }
        #expect(dropped == nil)
    }
}
