#if TLS
    import Glibc
    import KernelFaults
    @testable import Reactor
    import ReactorTLS
    import TestSupport
    import Testing

    /// What is between two sockets of TLS may cut, delay, split and change what goes over it: then each side has heard the beginning of what the
    /// other has said, or all; it knows which; and both come to an end.
    @Suite(.enabled(if: TestCertificates.canBeMade))
    struct TLSThroughHarmTests {
        private let fixture: TLSFixture
        private let server: TransportFactory
        private let client: TransportFactory
        private static let words = pattern(300)
        private static let answer = pattern(500)

        init() throws {
            fixture = try TLSFixture()
            server = try fixture.server().transport
            let client = try fixture.client().transport(host: "localhost")
            // A connection that is made of a socket would be the server's side.
            self.client = TransportFactory { _ throws(TransportFailure) in try client.makeTransport(.client) }
        }

        private struct Outcome {
            let isComplete: Bool
            let forth: Int
            let back: Int
        }

        /// Has a client say `words`, to which the server says `answer`, and checks what each has heard and how it has ended.
        @discardableResult
        private func play(
            forth: HarmfulLine.Harm = .none, back: HarmfulLine.Harm = .none, longestPiece: Int = .max, _ random: SeededGenerator,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws -> Outcome {
            let place: Comment = "forth \(forth), back \(back), pieces of \(longestPiece), seed \(random.seed)"
            kernel_begin()
            defer { kernel_rest() }
            let outcome = try talk(forth: forth, back: back, longestPiece: longestPiece, random, place, sourceLocation)
            // The two pairs of sockets were made without being counted, and all that is closed is counted.
            if kernel_faults_are_available() {
                #expect(kernel_open_descriptors() == -4, place, sourceLocation: sourceLocation)
            }
            return outcome
        }

        private func talk(
            forth: HarmfulLine.Harm, back: HarmfulLine.Harm, longestPiece: Int, _ random: SeededGenerator, _ place: Comment,
            _ sourceLocation: SourceLocation
        ) throws -> Outcome {
            let loop = try EventLoop()
            defer { loop.close() }
            let (near, far) = (RecordingHandler(), RecordingHandler())
            var options = Connection.Options()
            options.framing = .chunks
            // Byte by byte, on a busy machine, a handshake may take long. Who waits in vain is told by the line.
            options.handshakeTimeout = .seconds(86_400)
            let (ofClient, ofServer) = (try socketPair(), try socketPair())
            let line = HarmfulLine(
                between: ofClient.far, and: ofServer.far, forth: forth, back: back, longestPiece: longestPiece, random: random)
            let clientSocket = OwnedDescriptor(takingOver: ofClient.near)
            let serverSocket = OwnedDescriptor(takingOver: ofServer.near)
            options.transport = client
            try loop.adopt(socket: clientSocket, options: options, handler: near).send(Self.words)
            options.transport = server
            try loop.adopt(socket: serverSocket, options: options, handler: far)
            defer { line.hangUp() }
            far.onOpen = { $0.send(Self.answer) }
            near.onMessage = { connection, _ in if near.wireBytes == Self.answer { connection.finish() } }
            // Whoever waits in vain, since a length is a greater one now, waits until the line is gone.
            var quietTurns = 0
            try loop.run(until: "both closed: \(place)", sourceLocation: sourceLocation) {
                quietTurns = line.pass() ? 0 : quietTurns + 1
                if quietTurns > 5 { line.hangUp() }
                return near.closeReasons.count == 1 && far.closeReasons.count == 1
            }
            let (heard, answered) = (far.wireBytes, near.wireBytes)
            #expect(Self.words.starts(with: heard), place, sourceLocation: sourceLocation)
            #expect(Self.answer.starts(with: answered), place, sourceLocation: sourceLocation)
            if far.closeReasons == [.endOfInput] { #expect(heard == Self.words, place, sourceLocation: sourceLocation) }
            if near.closeReasons == [.requested] { #expect(answered == Self.answer, place, sourceLocation: sourceLocation) }
            return Outcome(
                isComplete: far.closeReasons == [.endOfInput] && near.closeReasons == [.requested], forth: line.counts.forth,
                back: line.counts.back)
        }

        /// Some places of the two streams, or all with `CHATREACTOR_FULL_SIZE`: both directions, in one count.
        private func forEachPlace(
            _ random: SeededGenerator, _ body: (_ isForth: Bool, _ place: Int) throws -> Void
        ) throws {
            var random = random
            let whole = try play(random)
            #expect(whole.isComplete)
            let step = unsafe getenv("CHATREACTOR_FULL_SIZE") == nil ? 7 : 1
            for place in stride(from: Int.random(in: 0..<step, using: &random), to: whole.forth + whole.back, by: step) {
                if place < whole.forth { try body(true, place) } else { try body(false, place - whole.forth) }
            }
        }

        @Test("A bit that is changed anywhere is never heard", .beyondPatience)
        func changed() throws {
            var random = SeededGenerator()
            var (complete, all) = (0, 0)
            try forEachPlace(random) { isForth, place in
                let harm = HarmfulLine.Harm.flip(place: place, bit: .random(in: 0..<8, using: &random))
                let outcome = try play(forth: isForth ? harm : .none, back: isForth ? .none : harm, random)
                complete += outcome.isComplete ? 1 : 0
                all += 1
            }
            // A few bits say nothing: the version in the head of a record, for one.
            #expect(complete < all / 10, "\(complete) of \(all)")
        }

        @Test("A line that is cut anywhere is no end that somebody has said", .beyondPatience)
        func cut() throws {
            let random = SeededGenerator()
            try forEachPlace(random) { isForth, place in
                let harm = HarmfulLine.Harm.cut(place: place)
                try play(forth: isForth ? harm : .none, back: isForth ? .none : harm, random)
            }
        }

        @Test("In whatever pieces, however late, all comes to its end", .beyondPatience, arguments: [1, 7, 200, 2_000])
        func pieces(longest: Int) throws {
            var random = SeededGenerator()
            for _ in 0..<(longest == 1 ? 3 : 20) {
                let outcome = try play(longestPiece: longest, random)
                #expect(outcome.isComplete, "seed \(random.seed)")
                _ = random.next()
            }
        }

        @Test("openssl's client hears no other words through harm either, and no connection stays", .beyondPatience)
        func openssl() throws {
            var random = SeededGenerator()
            let answer = (0..<20).map { "answer \($0)\n" }.joined()
            let words = (0..<20).map { "words \($0)\n" }.joined()
            for round in 0..<40 {
                let loop = try EventLoop()
                defer { loop.close() }
                let handler = RecordingHandler()
                handler.onOpen = { $0.send(answer) }
                var options = Connection.Options()
                options.transport = server
                options.handshakeTimeout = round == 0 ? .seconds(60) : .milliseconds(500)
                let harm: HarmfulLine.Harm
                let place = Int.random(in: 0..<2_500, using: &random)
                switch round % 3 {
                case _ where round == 0: harm = .none
                case 0: harm = .cut(place: place)
                default: harm = .flip(place: place, bit: .random(in: 0..<8, using: &random))
                }
                let isForth = Bool.random(using: &random)
                var line: HarmfulLine?
                let entrance = try loop.listen(on: .loopback(port: 0)) { descriptor, _ in
                    guard let pair = try? socketPair() else { return }
                    _ = try? loop.adopt(socket: OwnedDescriptor(takingOver: pair.near), options: options, handler: handler)
                    line = HarmfulLine(
                        between: Peer(takingOver: descriptor.release()), and: pair.far, forth: isForth ? harm : .none,
                        back: isForth ? .none : harm, longestPiece: round % 2 == 0 ? .max : 300, random: random)
                }
                let port = try #require(entrance.address.port)
                let process = try ChildProcess(
                    "openssl",
                    [
                        "s_client", "-quiet", "-no_ign_eof", round % 4 < 2 ? "-tls1_3" : "-tls1_2", "-connect",
                        "127.0.0.1:\(port)", "-servername", "localhost", "-verify_return_error", "-CAfile",
                        fixture.authority.certificateFile,
                    ], input: .pipe)
                try process.write(words)
                if round > 0 { process.closeInput() }
                try loop.run(until: "the end of round \(round) of seed \(random.seed)", turns: .max) {
                    _ = line?.pass()
                    if round == 0, handler.wireBytes.count == words.utf8.count { process.closeInput() }
                    return process.currentEnd != nil && handler.closeReasons.count == 1
                }
                let printed = String(decoding: try process.output.all(), as: UTF8.self)
                let comment: Comment = "round \(round) of seed \(random.seed), \(harm), forth \(isForth)"
                #expect(answer.hasPrefix(printed), comment)
                #expect(Array(words.utf8).starts(with: handler.wireBytes), comment)
                if round == 0 { #expect(printed == answer && handler.wireBytes.count == words.utf8.count) }
                #expect(handler.connections.isEmpty, comment)
            }
        }
    }
#endif
