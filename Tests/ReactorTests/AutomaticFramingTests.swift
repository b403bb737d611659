import TestSupport
import Testing

@testable import Reactor

/// Clients that send no newline at all are served, too; those that do are not disturbed by it.
struct AutomaticFramingTests {
    private func wire(idle: Duration = .milliseconds(30), limit: Int = 65_536) throws -> TestConnection {
        var options = Connection.Options()
        options.framing = .automatic(idle: idle)
        options.maximumMessageLength = limit
        return try TestConnection(options: options)
    }

    @Test func anIdlePartialIsAMessageAndNotBeforeItsTime() throws {
        let wire = try wire(idle: .milliseconds(60))
        let start = ContinuousClock.now
        try wire.peer.send("hello")
        try wire.loop.run(until: "received") { !wire.handler.messages.isEmpty }
        #expect(start.duration(to: .now) >= .milliseconds(60))
        try wire.peer.send("again")
        try wire.loop.run(until: "received") { wire.handler.messages.count == 2 }
        #expect(wire.handler.texts == ["hello", "again"])
    }

    @Test func eachPieceStartsTheIdleTimeAnew() throws {
        let wire = try wire(idle: .milliseconds(200))
        try wire.peer.send("hel")
        try wire.loop.run(until: "read") { wire.loop.timers.count == 1 }
        let first = try #require(wire.loop.timers.earliestDeadline)
        try wire.peer.send("lo")
        try wire.loop.run(until: "read") { wire.loop.timers.earliestDeadline != first }
        #expect(try #require(wire.loop.timers.earliestDeadline) > first)
        try wire.loop.run(until: "received") { !wire.handler.messages.isEmpty }
        #expect(wire.handler.texts == ["hello"])
    }

    @Test func afterTheFirstNewlineAPartialIsNeverAMessage() throws {
        let wire = try wire()
        try wire.peer.send("line\npart")
        try wire.loop.run(until: "received") { !wire.handler.messages.isEmpty }
        // No timer is armed, so no wait could ever bring the part.
        #expect(wire.loop.timers.count == 0)
        try wire.peer.send("ial\n")
        try wire.loop.run(until: "received") { wire.handler.messages.count == 2 }
        #expect(wire.handler.texts == ["line", "partial"])
    }

    /// A connection has one timer, and it is needed to look for the foreground again: half a second without input is a pause.
    @Test(arguments: [false, true])
    func aLineEndsWhileAnotherJobHasTheTerminal(isUpgraded: Bool) throws {
        var options = Connection.Options()
        options.framing = .automatic(idle: .milliseconds(50))
        let wire = try TestConnection(options: isUpgraded ? .init() : options)
        try wire.peer.send("hello")
        try wire.loop.run(until: "read") { wire.peer.isRead }
        // What reading a terminal does from the background. That of a test has no jobs.
        wire.connection.awaitForeground()
        if isUpgraded { wire.connection.upgrade(to: options, handler: wire.handler) }
        try wire.loop.run(until: "the line", within: .seconds(3)) { wire.handler.texts == ["hello"] }
        try wire.peer.send("again\n")
        try wire.loop.run(until: "the next line", within: .seconds(3)) { wire.handler.texts == ["hello", "again"] }
    }

    @Test func aNewlineInTimeEndsTheIdleTime() throws {
        let wire = try wire(idle: .seconds(3_600))
        try wire.peer.send("li")
        try wire.loop.run(until: "read") { wire.loop.timers.count == 1 }
        try wire.peer.send("ne\n")
        try wire.loop.run(until: "received") { !wire.handler.messages.isEmpty }
        #expect(wire.handler.texts == ["line"])
        #expect(wire.loop.timers.count == 0)
    }

    @Test func theIdleTimeEndsALineThatIsTooLong() throws {
        let wire = try wire(limit: 5)
        try wire.peer.send("123456")
        try wire.loop.run(until: "discarded") { wire.handler.events.contains(.discarded) }
        try wire.loop.run(until: "idle") { wire.loop.timers.count == 0 }
        try wire.peer.send("ab")
        try wire.loop.run(until: "received") { !wire.handler.messages.isEmpty }
        #expect(wire.handler.events == [.opened, .discarded, .received("ab")])
    }

    @Test func aConnectionThatIsClosedOverALongLineLeavesNoTimer() throws {
        let wire = try wire(idle: .seconds(3_600), limit: 5)
        wire.handler.closesOnLongMessage = true
        try wire.peer.send("123456")
        #expect(try wire.closeReason() == .messageTooLong)
        #expect(wire.loop.timers.count == 0)
    }

    @Test func thePartialAtTheEndOfInputIsAMessageAtOnce() throws {
        let wire = try wire(idle: .seconds(3_600))
        try wire.peer.send("bye")
        wire.peer.shutDownSending()
        #expect(try wire.closeReason() == .endOfInput)
        #expect(wire.handler.texts == ["bye"])
        #expect(wire.loop.timers.count == 0)
    }
}
