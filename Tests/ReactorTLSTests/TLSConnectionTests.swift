#if TLS
    import Broadcast
    import CReactorOpenSSL
    @testable import Reactor
    @testable import ReactorTLS
    import TestSupport
    import Testing

    /// A connection over TLS: how it opens, how it ends, and what a peer can make it do.
    @Suite(.enabled(if: TestCertificates.canBeMade))
    struct TLSConnectionTests {
        private let fixture: TLSFixture
        private let server: TLSServer

        init() throws {
            fixture = try TLSFixture()
            server = try fixture.server()
        }

        private func options(_ change: (inout Connection.Options) -> Void = { _ in }) -> Connection.Options {
            var options = Connection.Options()
            options.transport = server.transport
            change(&options)
            return options
        }

        /// A server's connection, and TLS for whoever is at its other end.
        private struct Talk {
            let test: TestConnection
            let client: TLSEnd

            /// Sends what the peer of the connection has sealed, and takes what has come.
            func exchange() throws {
                guard let bytes = test.peer.receiveAvailable(), !bytes.isEmpty else { return }
                let answer = client.take(bytes)
                if !answer.isEmpty { try test.peer.send(answer) }
            }

            func run(until what: Comment, _ condition: () -> Bool) throws {
                try test.loop.run(until: what) {
                    try exchange()
                    return condition()
                }
            }

            func say(_ text: String) throws { try test.peer.send(client.seal(Array(text.utf8))) }
        }

        private func talk(sendBuffer: Int32? = nil, _ options: Connection.Options? = nil) throws -> Talk {
            let test = try TestConnection(options: options ?? self.options(), sendBuffer: sendBuffer)
            let talk = Talk(test: test, client: try TLSEnd(fixture.client().transport(host: "localhost"), as: .client))
            try test.peer.send(talk.client.take([]))
            try talk.run(until: "open") { test.connection.isOpen && talk.client.isEstablished }
            return talk
        }

        @Test("Two connections talk, and know what they have agreed upon")
        func twoConnections() throws {
            let loop = try EventLoop()
            defer { loop.close() }
            let (near, far) = (RecordingHandler(), RecordingHandler())
            let listener = try loop.listen(on: .loopback(port: 0), options: options(), handler: near)
            var clientOptions = Connection.Options()
            clientOptions.transport = try fixture.client().transport(host: "localhost")
            let connection = try loop.connect(to: listener.address, options: clientOptions, handler: far)
            #expect(connection.tls == nil)
            let line = String(repeating: "x", count: 60_000)
            connection.send("\(line)\n")
            try loop.run(until: "received") { near.texts == [line] }
            #expect(connection.tls?.peerCertificate == fixture.serverIdentity.certificate)
            #expect(near.connections.first?.tls?.serverName == "localhost")
            near.connections.first?.send("yes\n")
            connection.finish()
            try loop.run(until: "closed") { !near.closeReasons.isEmpty && !far.closeReasons.isEmpty }
            #expect(near.closeReasons == [.endOfInput] && far.closeReasons == [.requested])
        }

        @Test("The end is said both ways, and what comes before it is heard")
        func end() throws {
            let talk = try talk()
            try talk.say("one\ntail")
            try talk.test.peer.send(talk.client.sealEnd())
            try talk.run(until: "ended") { talk.client.hasEnded }
            #expect(talk.test.handler.texts == ["one", "tail"])
            talk.test.peer.shutDownSending()
            #expect(try talk.test.closeReason() == .endOfInput)
        }

        @Test("An end that was not said is told apart, and the rest of a line is dropped")
        func truncated() throws {
            let talk = try talk()
            try talk.say("one\ntail")
            talk.test.peer.shutDownSending()
            #expect(try talk.test.closeReason() == .truncated)
            #expect(talk.test.handler.texts == ["one"])
        }

        @Test(
            "A peer that speaks no TLS is closed, and hears no plaintext", arguments: ["x", "hello\n", "GET / HTTP/1.1\r\n\r\n"])
        func noTLS(text: String) throws {
            let test = try TestConnection(options: options())
            test.connection.send("secret\n")
            try test.peer.send(text)
            guard case .transportFailed(let failure) = try test.closeReason() else {
                Issue.record("it was not closed by its transport")
                return
            }
            #expect(failure.description.hasPrefix("TLS: "))
            #expect(test.handler.events == [.closed(.transportFailed(failure))])
            #expect(!test.peer.text.contains("secret"))
        }

        @Test("A peer that says nothing is closed in time")
        func silent() throws {
            let test = try TestConnection(options: options { $0.handshakeTimeout = .milliseconds(50) })
            #expect(try test.closeReason() == .handshakeTimedOut)
            #expect(test.handler.count(of: .opened) == 0)
        }

        @Test("A peer that does not read costs one record, whatever waits for it")
        func stalled() throws {
            let talk = try talk(sendBuffer: 4_096)
            let topic = try Topic(on: talk.test.loop)
            topic.subscribe(talk.test.connection)
            let line = String(repeating: "x", count: 999) + "\n"
            for _ in 0..<40 {
                for _ in 0..<10 { topic.publish(line) }
                try talk.test.loop.runOnce(waitingAtMost: .zero)
            }
            #expect(talk.test.connection.isBlocked)
            #expect((1...WireBuffer.outputSize).contains(talk.test.connection.bufferedByteCount))
            try talk.run(until: "received") { talk.client.plaintext.count == 400_000 }
            #expect(talk.test.connection.bufferedByteCount == 0)
        }

        @Test("A peer that has its keys changed again and again, and does not read, is closed or costs little")
        func floodOfKeyUpdates() throws {
            let talk = try talk(sendBuffer: 4_096)
            let topic = try Topic(on: talk.test.loop)
            topic.subscribe(talk.test.connection)
            let ssl = unsafe try #require(talk.client.transport as? TLSTransport).ssl
            var most = 0
            for round in 0..<2_000 {
                unsafe SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED)
                guard (try? talk.say(round % 10 == 0 ? "x\n" : "y")) != nil, talk.test.handler.closeReasons.isEmpty else { break }
                topic.publish("a line\n")
                try talk.test.loop.runOnce(waitingAtMost: .zero)
                most = max(most, talk.test.connection.bufferedByteCount)
            }
            #expect(most < 400_000)
        }

        @Test("What one of many says reaches the others over TLS and without, once and in order")
        func mixed() throws {
            let talk = try talk()
            let loop = talk.test.loop
            let plain = try TestConnection(on: loop)
            let topic = try Topic(on: loop)
            for connection in [talk.test.connection, plain.connection] { topic.subscribe(connection) }
            let lines = (0..<2_000).map { "line \($0) " + String(repeating: ".", count: $0 % 300) + "\n" }
            var next = 0
            let all = Array(lines.joined().utf8)
            try talk.run(until: "all received") {
                for _ in 0..<50 where next < lines.count {
                    topic.publish(lines[next])
                    next += 1
                }
                return talk.client.plaintext.count >= all.count && plain.peer.bytes.count >= all.count
            }
            #expect(talk.client.plaintext == all && plain.peer.bytes == all)
        }
    }
#endif
