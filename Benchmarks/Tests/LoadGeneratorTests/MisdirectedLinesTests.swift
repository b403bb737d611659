import Testing

@testable import LoadGenerator

/// A relay's client should hear everybody but itself, an echo's nobody but itself.
struct MisdirectedLinesTests {
    private let frame = Wire.line.delivered(Frame.blankLine(length: 20))

    /// What a connection finds that is sender 1 of three, given the sender and the number of each line that comes.
    private func findings(expectsOwn: Bool, _ lines: [(sender: UInt32, number: UInt32)]) -> LineVerifier.Findings {
        var verifier = LineVerifier(frame: frame, senders: 3, ownNumber: 1, expectsOwn: expectsOwn, latencies: Latencies())
        verifier.begin()
        for line in lines {
            var bytes = frame.bytes
            unsafe bytes.withUnsafeMutableBytes { buffer in
                let header = LineHeader(number: line.number, sender: line.sender, time: Tick(rawValue: 0))
                unsafe header.store(to: buffer.baseAddress!)
            }
            unsafe bytes.withUnsafeBytes { unsafe verifier.receive($0, at: Tick(rawValue: 0)) }
        }
        verifier.finish(sentBySender: [1, 2, 1])
        return verifier.findings
    }

    @Test func aRelaysClientGetsItsOwnBack() {
        let found = findings(expectsOwn: false, [(0, 0), (1, 0)])
        #expect(found.misdirected == 1)
        #expect(found.missing == 1, "that of sender 2")
    }

    @Test func anEchosClientGetsAnothers() {
        let found = findings(expectsOwn: true, [(1, 0), (2, 0)])
        #expect(found.misdirected == 1)
        #expect(found.missing == 1, "its own second line")
    }

    @Test func nothingIsWrong() {
        for (expectsOwn, lines) in [(false, [(0, 0), (2, 0)]), (true, [(1, 0), (1, 1)])] as [(Bool, [(UInt32, UInt32)])] {
            let found = findings(expectsOwn: expectsOwn, lines.map { (sender: $0.0, number: $0.1) })
            #expect(found.misdirected == 0)
            #expect(found.missing == 0)
            #expect(found.lines == 2)
        }
    }
}
