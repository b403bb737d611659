#if TLS
    import ReactorTLS
    import TestSupport
    import Testing

    /// Whatever happens to the bytes on their way, what is opened is what was sealed, or the beginning of it.
    @Suite(.enabled(if: TestCertificates.canBeMade))
    struct TLSRecordsTests {
        private let server: TLSServer
        private let client: TLSClient

        init() throws {
            let fixture = try TLSFixture()
            (server, client) = (try fixture.server(), try fixture.client())
        }

        @Test("In whatever pieces the bytes come, both sides get all that the other has said")
        func pieces() throws {
            let seed = SeededGenerator().seed
            var random = SeededGenerator(seed: seed)
            for round in 0..<40 {
                let pair = try TLSPair(server, client)
                var toServer = pair.client.take([])
                var toClient: [UInt8] = []
                var (said, answered) = ([UInt8](), [UInt8]())
                let longest = [1, 5, 100, 20_000].randomElement(using: &random) ?? 1
                for step in 0..<200 {
                    if pair.client.isEstablished, step % 20 == 0 {
                        let bytes = pattern(.random(in: 0...40_000, using: &random))
                        toServer += try pair.client.seal(bytes)
                        said += bytes
                    }
                    if pair.server.isEstablished, step % 25 == 0 {
                        let bytes = pattern(.random(in: 0...40_000, using: &random))
                        toClient += try pair.server.seal(bytes)
                        answered += bytes
                    }
                    let piece = toServer.prefix(.random(in: 0...longest, using: &random))
                    toServer.removeFirst(piece.count)
                    toClient += pair.server.take(piece)
                    let back = toClient.prefix(.random(in: 0...longest, using: &random))
                    toClient.removeFirst(back.count)
                    toServer += pair.client.take(back)
                }
                while !toServer.isEmpty || !toClient.isEmpty {
                    toClient += pair.server.take(toServer)
                    toServer = pair.client.take(toClient)
                    toClient = []
                }
                let place: Comment = "round \(round) of seed \(seed)"
                #expect(pair.server.failure == nil && pair.client.failure == nil, place)
                #expect(pair.server.plaintext == said && pair.client.plaintext == answered, place)
                #expect(pair.server.isEstablished && !pair.server.hasEnded, place)
                pair.exchange(pair.client.sealEnd())
                #expect(pair.server.hasEnded, place)
            }
        }

        /// What a client says to a server over a connection that changes what it says.
        private func play(changing change: (inout [UInt8]) -> Void) throws -> TLSPair {
            let pair = try TLSPair(server, client)
            var stream = 0
            let words = pattern(3_000)
            func changed(_ bytes: [UInt8]) -> [UInt8] {
                var all = [UInt8](repeating: 0, count: stream) + bytes
                change(&all)
                let result = Array(all.dropFirst(stream))
                stream += bytes.count
                return result
            }
            pair.exchange(pair.client.take([]), changing: changed)
            if pair.client.failure == nil, pair.client.isEstablished {
                pair.exchange(try pair.client.seal(words), changing: changed)
                pair.exchange(pair.client.sealEnd(), changing: changed)
            }
            let opened = pair.server.plaintext
            #expect(opened == Array(words.prefix(opened.count)))
            if pair.server.hasEnded { #expect(opened == words) }
            return pair
        }

        /// How many bytes the client sends in `play`. A signature may be a byte or two shorter than another.
        private func length() throws -> Int {
            var length = 0
            _ = try play { length = max(length, $0.count) }
            return length
        }

        @Test("A bit that was changed anywhere is never heard")
        func changed() throws {
            var random = SeededGenerator()
            let length = try length()
            var failures = 0
            for place in stride(from: Int.random(in: 0..<7, using: &random), to: length, by: 7) {
                let bit = UInt8(1) << UInt8.random(in: 0..<8, using: &random)
                let pair = try play { if place < $0.count { $0[place] ^= bit } }
                if pair.server.failure != nil || pair.client.failure != nil { failures += 1 }
            }
            // A few bits say nothing: the version in a record's head, for one. And a length that has become greater is waited for.
            #expect(failures > length / 7 / 2)
        }

        @Test("A stream that is cut off anywhere has not ended")
        func cutOff() throws {
            var random = SeededGenerator()
            let length = try length()
            for end in stride(from: Int.random(in: 0..<13, using: &random), to: length - 30, by: 13) {
                let pair = try play { $0 = Array($0.prefix(end)) + [] }
                #expect(!pair.server.hasEnded, "cut off behind \(end) of \(length) bytes")
            }
        }

        @Test("Records that were left out, repeated or exchanged are never heard")
        func exchanged() throws {
            for kind in 0..<3 {
                let pair = try TLSPair(server, client)
                pair.establish()
                let (first, second) = (try pair.client.seal(pattern(100)), try pair.client.seal(pattern(200)))
                let sent = kind == 0 ? second : kind == 1 ? first + first : second + first
                _ = pair.server.take(sent)
                #expect(pair.server.failure != nil)
                #expect(pair.server.plaintext == (kind == 1 ? pattern(100) : []))
            }
        }

        @Test("Nothing that comes behind the end is heard")
        func behindTheEnd() throws {
            let pair = try TLSPair(server, client)
            pair.establish()
            let words = try pair.client.seal(pattern(10))
            _ = pair.server.take(words + pair.client.sealEnd() + pattern(500))
            #expect(pair.server.hasEnded && pair.server.failure == nil)
            #expect(pair.server.plaintext == pattern(10))
        }
    }
#endif
