import Glibc
import Testing

/// Whatever people do in whatever order, each of them gets what it must, and nothing else.
///
/// `CHATREACTOR_SCENARIOS=100000 swift test -c release … --filter RandomChatTests` plays so many.
struct RandomChatTests {
    @Test("Rooms, names, history and ignoring are as in a model that copies every message for everybody")
    func scenarios() throws {
        let count = unsafe getenv("CHATREACTOR_SCENARIOS").flatMap { unsafe Int(String(cString: $0)) } ?? 300
        let tally = try RandomChat.play(count)
        print(tally)
        // A test in which nobody lags, or comes late, would prove little.
        #expect(tally.lines > 20 * count)
        #expect(tally.replayed > count)
        if count >= 300 { #expect(tally.gaps > 0) }
        #expect(tally.webLines > 20 * count)
        #expect(tally.webReplayed > 2 * count)
        #expect(tally.pongs > count)
        if count >= 300 { #expect(tally.webGaps > 0) }
        if count >= 1_000 { #expect(tally.closingHandshakes > 0) }
        #expect(tally.ircLines > 20 * count)
        #expect(tally.ircReplayed > 2 * count)
        if count >= 1_000 { #expect(tally.ircGaps > 0) }
        // One in some hundreds, and fewer the faster the server is.
        if count >= 10_000 { #expect(tally.closedAsTooSlow > 0) }
    }
}
