import Glibc
public import Reactor

/// A client says two lines to a server that answers them, and then takes its leave. Both are on the same loop. It is for tests in which system calls
/// fail meanwhile.
public final class ShortTalk {
    public struct Outcome: CustomStringConvertible {
        /// Whether both have heard all, and have ended as they meant to.
        public var isComplete = false
        /// What was told to whomever it concerned: thrown, or as the reason of a close, or to the listener's owner.
        public var told: Set<Errno> = []
        public var turns: UInt64 = 0
        public var description: String { "\(isComplete ? "complete" : "incomplete"), \(turns) turns, \(told.map(\.description))" }
    }

    private let loop: EventLoop
    private let server = RecordingHandler()
    private let client = RecordingHandler()
    private var exhausted: [Errno] = []

    private init() throws(Errno) {
        loop = try EventLoop()
    }

    /// Holds one, with the options of the two sides.
    public static func outcome(
        server serverOptions: Connection.Options = .init(), client clientOptions: Connection.Options = .init()
    ) -> Outcome {
        var outcome = Outcome()
        do throws(Errno) {
            let talk = try ShortTalk()
            defer { talk.loop.close() }
            do throws(Errno) {
                try talk.run(serverOptions, clientOptions)
            } catch {
                outcome.told.insert(error)
            }
            outcome.turns = talk.loop.turnCount
            outcome.told.formUnion(talk.told)
            outcome.isComplete =
                talk.client.texts == ["one", "two"] && talk.server.texts == ["one", "two"]
                && talk.client.closeReasons == [.requested] && talk.server.closeReasons == [.endOfInput]
        } catch {
            outcome.told.insert(error)
        }
        return outcome
    }

    private var told: [Errno] {
        exhausted
            + (client.closeReasons + server.closeReasons).compactMap { if case .failed(let error) = $0 { error } else { nil } }
    }

    private func run(_ serverOptions: Connection.Options, _ clientOptions: Connection.Options) throws(Errno) {
        server.onMessage = { connection, text in connection.send(text + "\n") }
        client.onMessage = { connection, text in if text == "two" { connection.finish() } }
        let listener = try loop.listen(on: .loopback(port: 0), options: serverOptions, handler: server)
        listener.rejectionMessage = "full\n"
        listener.onAcceptFailure = { [unowned self] in exhausted.append($0) }
        let connection = try loop.connect(to: listener.address, options: clientOptions, handler: client)
        connection.send("one\ntwo\n")
        let limit = ContinuousClock.now.advanced(by: .seconds(10))
        while client.closeReasons.isEmpty || !server.connections.isEmpty, loop.turnCount < 1_000, .now < limit {
            try loop.runOnce(waitingAtMost: .seconds(1))
        }
    }
}
