import ChatReactor
import Foundation
import TestSupport
import Testing

/// What `Connection.id` and `EventLoop.connection(_:)` promise.
struct ConnectionNameTests {
    @Test("The open connection of a name is found, and none once it is closed")
    func lookUp() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (one, two) = (try TestConnection(on: loop), try TestConnection(on: loop))
        #expect(loop.connection(one.connection.id) === one.connection)
        #expect(loop.connection(two.connection.id) === two.connection)
        let name = one.connection.id
        one.connection.close()
        try loop.run(until: "the end") { !one.handler.closeReasons.isEmpty }
        #expect(loop.connection(name) == nil)
        #expect(loop.connection(two.connection.id) === two.connection)
    }

    @Test("A name is never given again, however many connections come after")
    func neverAgain() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var names: Set<Connection.ID> = []
        for _ in 0..<200 {
            let member = try TestConnection(on: loop)
            names.insert(member.connection.id)
            member.connection.close()
            try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        }
        #expect(names.count == 200)
        #expect(names.allSatisfy { loop.connection($0) == nil })
    }

    @Test("A name may cross threads, and is how they reach a connection")
    func acrossThreads() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        let (remote, name) = (loop.remote, member.connection.id)
        Thread.detachNewThread {
            remote.execute { loop in loop.connection(name)?.send("hello\n") }
        }
        try loop.run(until: "the text") { member.peer.text == "hello\n" }
    }
}
