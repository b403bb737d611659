import ChatReactor
import TestSupport
import Testing

/// What operators read in logs is a sentence.
struct DescriptionTests {
    @Test(arguments: [
        (Errno.addressInUse, "Address already in use"),
        (.connectionRefused, "Connection refused"),
        (.tooManyOpenFiles, "Too many open files"),
        (Errno(rawValue: 12_345), "error 12345"),
    ])
    func anErrno(_ error: Errno, _ text: String) {
        #expect(error.description == text)
    }

    @Test(arguments: [
        (CloseReason.endOfInput, "end of input"),
        (.requested, "closed on request"),
        (.shutdown, "shutting down"),
        (.messageTooLong, "message too long"),
        (.malformedMessage, "malformed message"),
        (.incompleteMessage, "incomplete message at the end of input"),
        (.tooSlow, "too slow"),
        (.outputOverflow, "too much output waiting"),
        (.connectTimedOut, "connecting took too long"),
        (.idleTimedOut, "idle for too long"),
        (.firstMessageTimedOut, "no first message"),
        (.failed(.connectionReset), "Connection reset by peer"),
    ])
    func aCloseReason(_ reason: CloseReason, _ text: String) {
        #expect(reason.description == text)
    }

    /// A log that names connections must not call two of them the same, though the second has the place of the first.
    @Test func aConnection() throws {
        let wire = try TestConnection()
        #expect(wire.connection.id.description == "0.0")
        wire.connection.close()
        _ = try wire.closeReason()
        let (mine, peer) = try socketPair()
        let next = try wire.loop.adopt(socket: OwnedDescriptor(takingOver: mine), handler: wire.handler)
        #expect(next.id.description == "0.1")
        withExtendedLifetime(peer) {}
    }
}
