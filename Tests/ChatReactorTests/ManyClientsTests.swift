import ChatReactor
import Reactor
import TestSupport
import Testing

/// Two hundred clients, of which some send: all get everything, whole and in one order, less their own. What becomes of one that
/// never reads is for the policy to say, and nobody else's matter.
struct ManyClientsTests {
    private struct Crowd {
        private static let senders = 5
        private static let rounds = 60
        private static let linesARound = 4

        let fixture: ServerFixture
        let clients: [Client]
        /// Takes nothing before the end.
        let idler: Client

        init(under policy: SlowSubscriberPolicy) throws {
            fixture = try ServerFixture {
                $0.logCapacity = 65_536
                $0.maximumMessageLength = 1_024
                $0.slowClients = policy
            }
            clients = try fixture.join(200)
            idler = try fixture.join(receiveBuffer: 2_048)
            idler.reads = false
        }

        /// Has the senders send all of their lines, and every client except the idle one read.
        func talk() throws {
            let padding = String(repeating: ".", count: 400)
            for round in 0..<Self.rounds {
                for (name, sender) in clients[..<Self.senders].enumerated() {
                    for number in 0..<Self.linesARound { try sender.send("\(name) \(round) \(number) \(padding)\n") }
                }
                let count = (round + 1) * Self.senders * Self.linesARound
                try fixture.run(until: { fixture.relayed.count == count })
            }
            try fixture.settle()
        }

        func expectEveryDelivery() {
            let all = fixture.relayed.flatMap(\.message)
            #expect(fixture.relayed.count == Self.rounds * Self.senders * Self.linesARound)
            for (index, client) in clients.enumerated() {
                let expected = index < Self.senders ? fixture.relayed.filter { $0.sender != client.id }.flatMap(\.message) : all
                #expect(isSame(client.received, expected), "client \(index)")
            }
            for (name, client) in clients[..<Self.senders].enumerated() {
                let said = fixture.relayed.filter { $0.sender == client.id }
                let order = (0..<Self.rounds).flatMap { round in (0..<Self.linesARound).map { "\(name) \(round) \($0) " } }
                #expect(said.map { String(decoding: $0.message.prefix { $0 != UInt8(ascii: ".") }, as: UTF8.self) } == order)
            }
        }

        func expectIdlerIsToldAndClosed() throws {
            idler.reads = true
            try fixture.run(until: { idler.isAtEnd })
            idler.reads = false
            idler.socket.close()
            try fixture.run(until: { !fixture.reasons.isEmpty })
            #expect(fixture.reasons == [idler.id: .tooSlow])
            #expect(idler.lines.last == "! goodbye: you are reading too slowly")
        }
    }

    @Test func theIdlerIsWaitedForAndThenClosed() throws {
        let crowd = try Crowd(under: .backpressure(stall: .milliseconds(50), grace: .seconds(3_600)))
        try crowd.talk()
        crowd.expectEveryDelivery()
        try crowd.expectIdlerIsToldAndClosed()
    }

    @Test func theIdlerIsClosed() throws {
        let crowd = try Crowd(under: .disconnect)
        try crowd.talk()
        crowd.expectEveryDelivery()
        try crowd.expectIdlerIsToldAndClosed()
    }

    @Test func theIdlerMissesMessagesAndIsToldHowMany() throws {
        let crowd = try Crowd(under: .skip)
        try crowd.talk()
        crowd.expectEveryDelivery()
        #expect(crowd.fixture.reasons == [:])
        crowd.idler.reads = true
        crowd.fixture.server.announce("the end")
        try crowd.fixture.run(until: { crowd.idler.text.hasSuffix("the end\n") })
        let notices = crowd.idler.lines.filter {
            $0.hasPrefix("! ") && $0.hasSuffix(" messages skipped: you are reading too slowly")
        }
        let missed = notices.compactMap { Int($0.split(separator: " ")[1]) }.reduce(0, +)
        // The idler was sent the end, and the line with which the others settled.
        let marks = crowd.idler.lines.filter { $0 == "the end" || $0.hasPrefix("settled ") }
        let whole = crowd.fixture.relayed.map { String(decoding: $0.message.dropLast(), as: UTF8.self) }
        let got = crowd.idler.lines.filter { whole.contains($0) }
        #expect(missed > 0)
        #expect(got.count + notices.count + marks.count == crowd.idler.lines.count)
        #expect(got.count + marks.count + missed == whole.count + 2)
    }
}
