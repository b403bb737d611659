import Reactor
import Testing

/// What operators read in logs is a sentence.
struct DescriptionTests {
    @Test(arguments: [
        (Errno.addressInUse, "Address already in use"),
        (.connectionRefused, "Connection refused"),
        (.tooManyOpenFiles, "Too many open files"),
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
        (.failed(.connectionReset), "Connection reset by peer"),
    ])
    func aCloseReason(_ reason: CloseReason, _ text: String) {
        #expect(reason.description == text)
    }
}
