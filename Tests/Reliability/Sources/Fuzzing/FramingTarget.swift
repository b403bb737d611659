import Glibc

@testable import Reactor

/// A stream that comes to a connection in pieces becomes the messages that it would become if one had the whole of it.
enum FramingTarget {
    private static let readSizes = [1, 2, 3, 5, 8, 15, 16, 17, 31, 33, 64, 200]
    /// One for each read size, for all inputs: setting one up takes longer than most inputs do.
    nonisolated(unsafe) private static var loops: [Int: EventLoop] = [:]

    static func run(_ input: FuzzInput) throws {
        var input = input
        let naive = input.choose(
            [.lines, .automatic(idle: .zero), .automatic(idle: .seconds(3_600)), .chunks]
                + MessageFramingOracle.allCases.map { NaiveFraming.messages($0) })
        let readSize = input.choose(readSizes)
        var options = Connection.Options()
        options.framing = naive.framing
        options.maximumMessageLength = input.number(below: 80) + 1
        let flags = input.byte()
        let recorder = Recorder(closesOnLongMessage: flags & 1 != 0)
        let pauses = flags & 2 != 0
        let splits = input.lastBytes(Int(flags >> 4))

        let loop = try loop(readSize: readSize)
        let (mine, peer) = try makeSocketPair()
        var isPeerOpen = true
        defer { if isPeerOpen { close(peer) } }
        let connection = try loop.adopt(socket: OwnedDescriptor(takingOver: mine), options: options, handler: recorder)

        var reads: [[UInt8]] = []
        var number = 0
        while !input.isEmpty, connection.isOpen {
            let piece = input.bytes(splits.isEmpty ? .max : Int(splits[number % splits.count]) + 1)
            number += 1
            let sent = unsafe send(peer, piece, piece.count, Int32(MSG_NOSIGNAL))
            guard sent == piece.count else { fatalError("the socket took \(sent) of \(piece.count) bytes") }
            if pauses { try checkThatAPauseHolds(connection, recorder, on: loop) }
            for start in stride(from: 0, to: piece.count, by: readSize) where connection.isOpen {
                reads.append(Array(piece[start..<min(start + readSize, piece.count)]))
                try loop.runOnce(waitingAtMost: .zero)
            }
        }
        if flags & 4 != 0 {
            shutdown(peer, Int32(SHUT_WR))
        } else {
            // The answers to commands of telnet: a socket that is closed before it has read all resets its peer.
            var answers = [UInt8](repeating: 0, count: 4_096)
            while unsafe recv(peer, &answers, answers.count, Int32(MSG_DONTWAIT)) > 0 {}
            close(peer)
            isPeerOpen = false
        }
        for _ in 0..<3 { try loop.runOnce(waitingAtMost: .zero) }

        var expected = naive.expectation(of: reads, limit: options.maximumMessageLength)
        if recorder.closesOnLongMessage, let long = expected.events.firstIndex(of: .tooLong) {
            expected = .init(events: Array(expected.events[...long]), reason: .messageTooLong)
        }
        guard recorder.events == expected.events else {
            let limit = options.maximumMessageLength
            fatalError("\(naive), limit \(limit), reads \(reads): \(recorder.events) for \(expected.events)")
        }
        guard recorder.reason == expected.reason else {
            fatalError("the connection ended with \(recorder.reason.map { "\($0)" } ?? "nothing") for \(expected.reason)")
        }
    }

    private static func checkThatAPauseHolds(_ connection: Connection, _ recorder: Recorder, on loop: EventLoop) throws {
        let count = recorder.events.count
        connection.pauseReading()
        for _ in 0..<2 { try loop.runOnce(waitingAtMost: .zero) }
        guard recorder.events.count == count else { fatalError("a paused connection has read") }
        connection.resumeReading()
    }

    private static func loop(readSize: Int) throws -> EventLoop {
        if let loop = unsafe loops[readSize] { return loop }
        var configuration = EventLoop.Configuration()
        configuration.readSize = readSize
        let loop = try EventLoop(configuration: configuration)
        unsafe loops[readSize] = loop
        return loop
    }

    private final class Recorder: ConnectionHandler {
        let closesOnLongMessage: Bool
        var events: [FramingOracle.Event] = []
        var reason: CloseReason?

        init(closesOnLongMessage: Bool) {
            self.closesOnLongMessage = closesOnLongMessage
        }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            for index in 0..<messages.count {
                let message = messages.withMessage(at: index) { bytes in bytes.indices.map { bytes[$0] } }
                guard messages.firstIndex(of: message).map({ $0 <= index }) == true else { fatalError("a message is not found") }
                events.append(.message(message))
            }
        }

        func connectionDidDiscardMessage(_ connection: Connection) {
            events.append(.tooLong)
            if closesOnLongMessage { connection.close(reason: .messageTooLong) }
        }

        func connectionDidClose(_ connection: Connection, reason: CloseReason) {
            guard self.reason == nil else { fatalError("a connection was closed twice") }
            self.reason = reason
        }
    }
}
