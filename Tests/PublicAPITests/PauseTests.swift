import ChatReactor
import TestSupport
import Testing

/// What `Connection.pauseReading` and `resumeReading` promise.
struct PauseTests {
    @Test("Nothing is read while reading is paused; it comes afterwards")
    func pause() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        member.connection.pauseReading()
        try member.peer.send("one\n")
        try loop.run(for: .milliseconds(20))
        #expect(member.handler.texts == [])
        member.connection.resumeReading()
        try loop.run(until: "the message") { !member.handler.texts.isEmpty }
        #expect(member.handler.texts == ["one"])
    }

    @Test("Pauses are counted: each needs a resumption of its own")
    func counted() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        for _ in 0..<3 { member.connection.pauseReading() }
        try member.peer.send("one\n")
        for _ in 0..<2 {
            member.connection.resumeReading()
            try loop.run(for: .milliseconds(20))
            #expect(member.handler.texts == [])
        }
        member.connection.resumeReading()
        try loop.run(until: "the message") { !member.handler.texts.isEmpty }
    }

    @Test("While reading is paused, the end of the peer's input is not noticed")
    func endOfInput() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        member.connection.pauseReading()
        try member.peer.send("one\n")
        member.peer.shutDownSending()
        try loop.run(for: .milliseconds(20))
        #expect(member.handler.events == [.opened])
        member.connection.resumeReading()
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        #expect(member.handler.events == [.opened, .received("one"), .closed(.endOfInput)])
    }

    @Test("Messages that were read already still come")
    func alreadyRead() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.lines, longest: 5))
        member.handler.onDiscard = { $0.pauseReading() }
        try member.peer.send("one\n1234567890\ntwo\n")
        try loop.run(until: "what is behind the pause") { member.handler.texts.count >= 2 }
        try member.peer.send("three\n")
        try loop.run(for: .milliseconds(20))
        #expect(member.handler.events == [.opened, .received("one"), .discarded, .received("two")])
    }

    @Test("Reading may be paused from within, message by message")
    func fromWithin() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        member.handler.onMessage = { connection, _ in connection.pauseReading() }
        for number in 1...3 {
            try member.peer.send("\(number)\n")
            try loop.run(until: "message \(number)") { member.handler.texts.count == number }
            try member.peer.send("+")
            try loop.run(for: .milliseconds(5))
            #expect(!member.peer.isRead)
            member.connection.resumeReading()
        }
        #expect(member.handler.texts == ["1", "+2", "+3"])
    }

    @Test("What is sent leaves all the same")
    func sendingWhilePaused() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        member.connection.pauseReading()
        member.connection.send("hello\n")
        try loop.run(until: "the text") { member.peer.text == "hello\n" }
    }

    @Test("A pause slows the peer down: the kernel takes no more from it in the end")
    func backpressure() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        member.connection.pauseReading()
        let piece = [UInt8](repeating: 65, count: 10_000)
        var taken = 0
        for _ in 0..<10_000 {
            let count = member.peer.sendAvailable(piece)
            if count == 0 { break }
            taken += count
            try loop.runOnce(waitingAtMost: .zero)
        }
        #expect(taken < 100_000_000)
        #expect(member.handler.events == [.opened])
    }
}
