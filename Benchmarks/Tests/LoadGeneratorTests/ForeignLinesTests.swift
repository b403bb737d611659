import Testing

@testable import LoadGenerator

/// Lines that begin with the mark are others': they are passed over, wherever reads cut them, and hide nothing.
struct ForeignLinesTests {
    private static let length = 20
    private let latencies = Latencies()
    private let frame = Wire.line.delivered(Frame.blankLine(length: length))

    private func line(_ number: UInt32) -> [UInt8] {
        var bytes = frame.bytes
        unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe LineHeader(number: number, sender: 0, time: Tick(rawValue: 0)).store(to: buffer.baseAddress!)
        }
        return bytes
    }

    private func findings(tolerant: Bool = true, _ reads: [[UInt8]]) -> LineVerifier.Findings {
        var verifier = LineVerifier(
            frame: frame, senders: 1, ownNumber: nil, toleratesForeignLines: tolerant, latencies: latencies)
        verifier.begin()
        for read in reads { unsafe read.withUnsafeBytes { unsafe verifier.receive($0, at: Tick(rawValue: 0)) } }
        return verifier.findings
    }

    @Test(arguments: ["#\n", "#short\n", "#" + String(repeating: "x", count: 25) + "\n"])
    func passedOverWhereverReadsCutThem(foreign: String) {
        let stream = line(0) + Array(foreign.utf8) + Array(foreign.utf8) + line(1) + Array(foreign.utf8) + line(2)
        for first in 0...stream.count {
            for second in first...stream.count {
                let reads = [stream[..<first], stream[first..<second], stream[second...]].map(Array.init).filter { !$0.isEmpty }
                let found = findings(reads)
                #expect(found.lines == 3 && found.missing == 0 && found.damaged == 0, "cut at \(first) and \(second)")
                #expect(found.foreign == 3 && found.foreignBytes == 3 * foreign.utf8.count, "cut at \(first) and \(second)")
            }
        }
    }

    @Test func aLineInsideAForeignOneIsMissing() {
        let found = findings([line(0) + Array("#".utf8) + line(1) + line(2)])
        #expect(found.lines == 2)
        #expect(found.missing == 1)
        #expect(found.damaged == 0)
    }

    @Test func damageWhereTheyAreNotExpected() {
        let found = findings(tolerant: false, [line(0) + Array("#foreign\n".utf8) + line(1) + line(2)])
        #expect(found.damaged == 1)
        #expect(found.foreign == 0)
    }

    @Test func bytesWithoutTheMarkAreDamage() {
        let found = findings([line(0) + Array("damaged, and not by others\n".utf8) + line(1)])
        #expect(found.damaged == 1)
        #expect(found.foreign == 0)
    }
}
