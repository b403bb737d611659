#if TLS
    import Glibc
    import Reactor
    import TestSupport
    import Testing

    /// Whatever happens to the bytes of its clients of TLS on their way, chatd serves the next, and nothing of the others stays.
    @Suite(.enabled(if: TestCertificates.canBeMade)) struct TLSHarmTests {
        @Test(.beyondPatience) func `clients whose bytes are cut off or changed leave no connection behind`() throws {
            let certificates = try TestCertificates()
            let authority = try certificates.makeAuthority("ca")
            let server = try certificates.issue("server", for: ["localhost"], by: authority)
            let files = ["--tls-certificate", server.certificateFile, "--tls-key", server.keyFile]
            var random = SeededGenerator()
            try withDaemon(["--listen", "tls:127.0.0.1:0", "--chat"] + files) { daemon in
                func talk(_ forth: HarmfulLine.Harm, _ back: HarmfulLine.Harm) throws -> String {
                    let entrance = try PlayedServer()
                    let client = try TLSPeer.openssl.connect(to: entrance.address.port ?? 0, trusting: authority)
                    try client.write("hello\n/quit\n")
                    let line = HarmfulLine(
                        between: try entrance.accept(), and: try daemon.connect(), forth: forth, back: back, random: random)
                    var lastMove = ContinuousClock.now
                    try wait(for: "the end of a client, seed \(random.seed)") {
                        if line.pass() { lastMove = .now }
                        // Both may wait for more, as with a length that was changed: another harm ends that.
                        if lastMove.duration(to: .now) > .seconds(1) { line.hangUp() }
                        return client.currentEnd != nil
                    }
                    line.hangUp()
                    return String(decoding: try client.output.all(), as: UTF8.self)
                }
                let before = daemon.process.descriptorCount
                #expect(try talk(.none, .none).hasPrefix("* welcome to "))
                for round in 0..<40 {
                    let place = Int.random(in: 0..<2_000, using: &random)
                    let harm: HarmfulLine.Harm =
                        round % 4 == 0 ? .cut(place: place) : .flip(place: place, bit: .random(in: 0..<8, using: &random))
                    let heard = round % 2 == 0 ? try talk(harm, .none) : try talk(.none, harm)
                    #expect(heard.isEmpty || heard.hasPrefix("* welcome to "), "round \(round), seed \(random.seed): \(heard)")
                }
                try wait(for: "the ends of all") { daemon.process.descriptorCount == before }
                #expect(try talk(.none, .none).hasPrefix("* welcome to "))
            }
        }
    }
#endif
