import Testing

@testable import ChatReactor

/// What was counted may be added up any number of times.
struct CountsTests {
    @Test func whatIsByKindIsAddedByKind() {
        var (counts, others) = (ChatServer.Counts(), ChatServer.Counts())
        counts.webResponses = [200: 1, 404: 2]
        others.webResponses = [404: 3, 403: 4]
        counts.add(others)
        #expect(counts.webResponses == [200: 1, 404: 5, 403: 4])
    }

    /// No sum ends the process: neither of what is one number, nor of what is counted by kind.
    @Test func theyBeginAgainBehindTheLargestNumber() {
        var counts = ChatServer.Counts()
        counts.acceptedClients = .max
        counts.closedClients = [.endOfInput: .max]
        counts.refusals = [.full: .max]
        counts.webResponses = [200: .max]
        counts.refusedLogins = [.wrong: .max]
        let others = counts
        counts.add(others)
        #expect(counts.acceptedClients == -2)
        #expect(counts.closedClients == [.endOfInput: -2])
        #expect(counts.refusals == [.full: -2])
        #expect(counts.webResponses == [200: -2])
        #expect(counts.refusedLogins == [.wrong: -2])
    }
}
