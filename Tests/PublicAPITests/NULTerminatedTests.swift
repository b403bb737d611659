import ChatReactor
import TestSupport
import Testing

/// What `NULTerminatedFraming` says.
struct NULTerminatedTests {
    @Test("A message is what precedes a NUL, and may have no bytes at all")
    func messages() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.nulTerminated))
        try member.peer.send("one\0\0two\nthree\0")
        try loop.run(until: "three messages") { member.handler.texts.count >= 3 }
        #expect(member.handler.texts == ["one", "", "two\nthree"])
    }

    @Test("It is relayed with its NUL")
    func wireBytes() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.nulTerminated))
        try member.peer.send("one\0two\0")
        try loop.run(until: "two messages") { member.handler.texts.count >= 2 }
        #expect(member.handler.wireBytes == Array("one\0two\0".utf8))
    }

    @Test("What comes after the last NUL is no message: it is dropped, and the reason says so")
    func incomplete() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.nulTerminated))
        try member.peer.send("one\0rest")
        member.peer.shutDownSending()
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        #expect(member.handler.events == [.opened, .received("one"), .closed(.incompleteMessage)])
    }

    @Test(
        "A connection is closed over a message that is too long, whatever its handler decides, once what waits for the peer is sent"
    )
    func tooLong() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.nulTerminated, longest: 5))
        member.handler.onDiscard = { $0.send("too long\0") }
        try member.peer.send("12345\0" + "1234567890\0" + "after\0")
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        #expect(
            member.handler.events.filter { $0 != .drained } == [
                .opened, .received("12345"), .discarded, .closed(.messageTooLong),
            ])
        #expect(member.peer.text == "too long\0")
    }
}
