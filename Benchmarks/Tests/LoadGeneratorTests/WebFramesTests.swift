import Testing

@testable import LoadGenerator

/// A WebSocket's frames are checked as lines are, wherever reads cut them, and what is sent is masked.
struct WebFramesTests {
    private static let length = 200
    private let line = Frame.blankLine(length: length)

    private func delivered(_ number: UInt32) -> [UInt8] {
        let frame = Wire.web.delivered(line)
        var bytes = frame.bytes
        unsafe bytes.withUnsafeMutableBytes { buffer in
            let header = LineHeader(number: number, sender: 0, time: Tick(rawValue: 0))
            unsafe header.store(to: buffer.baseAddress! + frame.lineOffset)
        }
        return bytes
    }

    @Test func checkedWhereverReadsCutThem() {
        let stream = delivered(0) + delivered(1) + delivered(2)
        for cut in 0...stream.count {
            var verifier = LineVerifier(
                frame: Wire.web.delivered(line), senders: 1, ownNumber: nil, latencies: Latencies())
            verifier.begin()
            for read in [Array(stream[..<cut]), Array(stream[cut...])] where !read.isEmpty {
                unsafe read.withUnsafeBytes { unsafe verifier.receive($0, at: Tick(rawValue: 0)) }
            }
            verifier.finish(sentBySender: [3])
            let found = verifier.findings
            #expect(found.lines == 3 && found.missing == 0 && found.damaged == 0, "cut at \(cut)")
        }
    }

    @Test func aFrameOfAnotherLengthIsDamage() {
        var verifier = LineVerifier(frame: Wire.web.delivered(line), senders: 1, ownNumber: nil, latencies: Latencies())
        verifier.begin()
        var bytes = delivered(0)
        bytes[3] -= 1
        unsafe bytes.withUnsafeBytes { unsafe verifier.receive($0, at: Tick(rawValue: 0)) }
        #expect(verifier.findings.damaged == 1)
    }

    @Test(arguments: [18, 126, 127, 200, 65_536])
    func whatIsSentIsMasked(length: Int) {
        let line = Frame.blankLine(length: length)
        let frame = Wire.web.published(line)
        var bytes = frame.bytes
        let header = LineHeader(number: 7, sender: 3, time: Tick(rawValue: 11))
        unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe header.store(to: buffer.baseAddress! + frame.lineOffset, mask: frame.mask)
        }
        let hasLongLength = length - 1 >= 126
        #expect(bytes[0] == 0x81)
        #expect(bytes[1] == 0x80 | (hasLongLength ? 126 : UInt8(length - 1)))
        if hasLongLength { #expect(Int(bytes[2]) << 8 | Int(bytes[3]) == length - 1) }
        let mask = bytes[frame.lineOffset - 4..<frame.lineOffset]
        var payload = Array(bytes[frame.lineOffset...])
        #expect(payload.count == length - 1)
        for index in payload.indices { payload[index] ^= mask[mask.startIndex + index % 4] }
        var expected = Array(line.dropLast())
        unsafe expected.withUnsafeMutableBytes { unsafe header.store(to: $0.baseAddress!) }
        #expect(payload == expected)
    }
}
