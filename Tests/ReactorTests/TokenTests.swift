import TestSupport
import Testing

@testable import Reactor

/// A token names one registration, and nothing ever after: events that come too late reach nobody.
struct TokenTests {
    private final class Source: EventSource {
        func descriptorIsReady(_ readiness: Readiness) {}
        func loopIsClosing() {}
    }

    @Test func aSlotIsUsedAgainUnderANewGeneration() {
        let table = SlotTable()
        let first = Source()
        let second = Source()
        let old = table.insert(first)
        #expect(table[old] === first)
        table.remove(old)
        #expect(table[old] == nil)
        let new = table.insert(second)
        #expect(new.slot == old.slot)
        #expect(new != old)
        #expect(table[old] == nil)
        #expect(table[new] === second)
    }

    /// Else a flood of short connections would wear out the generation of one slot.
    @Test func freeSlotsAreUsedInTurn() {
        let table = SlotTable()
        let sources = (0..<4).map { _ in Source() }
        let tokens = sources.map { table.insert($0) }
        for token in tokens { table.remove(token) }
        var slots: [UInt32] = []
        for _ in 0..<8 {
            let token = table.insert(sources[0])
            slots.append(token.slot)
            table.remove(token)
        }
        #expect(slots == [0, 1, 2, 3, 0, 1, 2, 3])
        #expect(tokens.allSatisfy { table[$0] == nil })
    }

    @Test func aTokenSurvivesTheKernel() {
        for (slot, generation) in [(0, 0), (1, 2), (.max, 7), (7, .max), (.max, .max)] as [(UInt32, UInt32)] {
            let token = Token(slot: slot, generation: generation)
            #expect(Token(rawValue: token.rawValue) == token)
        }
    }

    @Test func anUnknownTokenNamesNothing() {
        let table = SlotTable()
        #expect(table[Token(slot: .max, generation: .max)] == nil)
        #expect(table[Token(slot: 0, generation: 0)] == nil)
    }

    @Test func slotsAndSourcesAgreeWithADictionary() {
        let seed = SeededGenerator().seed
        var random = SeededGenerator(seed: seed)
        let table = SlotTable()
        var living: [Token: Source] = [:]
        var dead: [Token] = []
        for _ in 0..<20_000 {
            if Int.random(in: 0..<5, using: &random) < 3 {
                let source = Source()
                let token = table.insert(source)
                #expect(living.updateValue(source, forKey: token) == nil, "seed \(seed): \(token) was given away twice")
            } else if let token = living.keys.randomElement(using: &random) {
                table.remove(token)
                living[token] = nil
                dead.append(token)
            }
            if let token = dead.randomElement(using: &random) { #expect(table[token] == nil, "seed \(seed)") }
            if let token = living.keys.randomElement(using: &random) { #expect(table[token] === living[token], "seed \(seed)") }
        }
        #expect(table.sources.count == living.count)
    }

    @Test func aConnectionIsFoundByItsIDForAsLongAsItIsOpen() throws {
        let wire = try TestConnection()
        let id = wire.connection.id
        #expect(wire.loop.connection(id) === wire.connection)
        wire.connection.close()
        #expect(wire.loop.connection(id) == nil)
        _ = try wire.closeReason()
        #expect(wire.loop.connection(id) == nil)
    }

    /// Two connections are ready in one wait. The handler of the first closes the other.
    @Test func whatIsClosedInATurnHearsNothingMoreInIt() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = RecordingHandler()
        let peers = try (0..<2).map { _ in
            let (mine, peer) = try socketPair()
            try loop.adopt(socket: OwnedDescriptor(takingOver: mine), handler: handler)
            return peer
        }
        handler.onMessage = { connection, _ in handler.connections.first { $0 !== connection }?.close() }
        for peer in peers { try peer.send("hello\n") }
        try loop.run(until: "closed") { !handler.closeReasons.isEmpty }
        #expect(handler.messages.count == 1)
    }

    /// As above, but a budget puts the other's event off to the next turn. By then its slot, and its descriptor's number, belong to a
    /// newcomer, whom the event must not reach.
    @Test func sameBatchDescriptorReuse() throws {
        // Other tests of this process open descriptors, too, and may come first to the number.
        var rounds = 0
        repeat { rounds += 1 } while try !reusesDescriptorInABatch() && rounds < 1_000
        #expect(rounds < 1_000)
    }

    /// Returns whether the new connection got the number of the closed one.
    private func reusesDescriptorInABatch() throws -> Bool {
        var configuration = EventLoop.Configuration()
        configuration.readBudget = 1
        let loop = try EventLoop(configuration: configuration)
        defer { loop.close() }
        let handler = RecordingHandler()
        let peers = try (0..<2).map { _ in
            let (mine, peer) = try socketPair()
            try loop.adopt(socket: OwnedDescriptor(takingOver: mine), handler: handler)
            return peer
        }
        // Their numbers would be given away first.
        defer { withExtendedLifetime(peers) {} }
        var old: (number: Int32, slot: UInt32)?
        handler.onMessage = { connection, _ in
            guard let other = handler.connections.first(where: { $0 !== connection }) else { return }
            old = (other.rawDescriptor, other.id.token.slot)
            other.close()
        }
        defer { handler.onClose = nil }
        let newcomer = RecordingHandler()
        var newPeers: [Peer] = []
        handler.onClose = { _ in
            do {
                let (mine, peer) = try socketPair()
                newPeers.append(peer)
                try peer.send("hello\n")
                try loop.adopt(socket: OwnedDescriptor(takingOver: mine), handler: newcomer)
            } catch {
                Issue.record(error)
            }
        }
        for peer in peers { try peer.send("hello\n") }

        try loop.runOnce(waitingAtMost: .seconds(5))
        #expect(handler.messages.count == 1)
        #expect(handler.closeReasons == [.requested])
        let new = try #require(newcomer.connections.first)
        let isSameNumber = new.rawDescriptor == old?.number
        #expect(new.id.token.slot == old?.slot)
        // This turn has the rest of the old batch, and does not ask the kernel: the newcomer's line can come only with a stale event.
        try loop.runOnce(waitingAtMost: .zero)
        #expect(newcomer.messages.isEmpty)
        try loop.run(until: "received") { !newcomer.messages.isEmpty }
        #expect(newcomer.closeReasons.isEmpty)
        return isSameNumber
    }
}
