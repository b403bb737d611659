import Glibc
import TestSupport
import Testing

@testable import Reactor

/// There may be ten thousand connections that are quiet: each costs one small object.
struct QuietConnectionTests {
    @Test func fitsInto128BytesOfTheHeap() throws {
        let test = try TestConnection(.tcp)
        guard let symbol = unsafe dlsym(nil, "malloc_usable_size") else {
            Issue.record("no malloc_usable_size")
            return
        }
        let size = unsafe unsafeBitCast(symbol, to: (@convention(c) (UnsafeMutableRawPointer) -> Int).self)
        // malloc has a word of its own in front of an object.
        #expect(unsafe size(Unmanaged.passUnretained(test.connection).toOpaque()) <= 120)
    }

    @Test func isAsSmallAsBeforeOnceItHasAnswered() throws {
        let test = try TestConnection(.tcp)
        test.connection.send("hello\n")
        #expect(test.connection.output != nil)
        #expect(try test.receive(6) == Array("hello\n".utf8))
        try test.loop.run(until: "the output is released") { test.connection.output == nil }
    }

    @Test func isAsSmallAsBeforeOnceItsPeerHasTakenALongAnswer() throws {
        let test = try TestConnection(.unix)
        let count = 900_000
        test.connection.send([UInt8](repeating: 1, count: count))
        try test.loop.run(until: "blocked") { test.connection.isBlocked }
        #expect(try test.receive(count).count == count)
        try test.loop.run(until: "the output is released") { test.connection.output == nil }
    }

    @Test func isAsSmallAsBeforeOnceItsUnfinishedLineIsWhole() throws {
        var options = Connection.Options()
        options.framing = .automatic(idle: .seconds(60))
        let test = try TestConnection(.tcp, options: options)
        try test.peer.send("hel")
        try test.loop.run(until: "the timer runs") { test.connection.isTimerArmed(.idleInput) }
        try test.peer.send("lo\n")
        try test.loop.run(until: "the timer is released") { test.connection.output == nil }
        #expect(!test.connection.isTimerArmed(.idleInput))
    }
}
