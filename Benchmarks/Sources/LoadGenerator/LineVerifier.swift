import Glibc

/// Checks that every line arrives once, whole and in order, and takes its latency.
///
/// It knows how long each line is, and so looks for no newlines; only after something that is not a line does it search for
/// where the next one begins.
struct LineVerifier {
    /// What was found.
    struct Findings {
        var lines = 0
        /// Lines that never came, before others of the same sender that did.
        var missing = 0
        /// Lines that came again, or after later ones of the same sender.
        var repeated = 0
        /// Lines for others: of a relay the connection's own, of an echo server all but these.
        var misdirected = 0
        /// Places where something else was than a line.
        var damaged = 0
        /// Lines of others than the load.
        var foreign = 0
        var foreignBytes = 0
    }

    /// What a line of somebody else begins with, where such are let pass: no line of the load begins so.
    static let foreignMark = UInt8(ascii: "#")

    private(set) var findings = Findings()
    private let latencies: Latencies

    private let frame: Frame
    /// What the server may say between lines, to see whether the connection still lives.
    private let keepAlive: [UInt8]
    private let ownNumber: UInt32?
    private let expectsOwn: Bool
    private var expected: [UInt32]
    /// The beginning of a frame whose rest has not arrived yet.
    private var partial: [UInt8] = []
    private let toleratesForeignLines: Bool
    private var isAligned = true
    private var isInForeignLine = false
    private var lastTime = Tick(rawValue: 0)
    private var lastTimeCount: UInt64 = 0

    /// - Parameters:
    ///   - keepAlive: What may come between lines and is none; it must be shorter than a frame.
    ///   - ownNumber: The connection's number as a sender, or nil if it is none.
    ///   - expectsOwn: Whether it should get its own lines alone, rather than all but these.
    ///   - toleratesForeignLines: Whether lines of others are passed over, rather than taken for damage.
    init(
        frame: Frame, keepAlive: [UInt8] = [], senders: Int, ownNumber: UInt32?, expectsOwn: Bool = false,
        toleratesForeignLines: Bool = false, latencies: Latencies
    ) {
        self.frame = frame
        self.keepAlive = keepAlive
        self.toleratesForeignLines = toleratesForeignLines
        self.latencies = latencies
        self.ownNumber = ownNumber
        self.expectsOwn = expectsOwn
        expected = Array(repeating: 0, count: senders)
        partial.reserveCapacity(frame.count)
    }

    /// Forgets what came before the first line: a server's greeting, or what shows who receives.
    mutating func begin() {
        findings = Findings()
        partial = []
        isAligned = true
        isInForeignLine = false
    }

    /// Looks at what one read brought.
    mutating func receive(_ bytes: UnsafeRawBufferPointer, at now: Tick) {
        var start = 0
        if !partial.isEmpty {
            start = min(frame.count - partial.count, bytes.count)
            unsafe partial.append(contentsOf: bytes[..<start])
            var joined: [UInt8] = []
            swap(&joined, &partial)
            let used = unsafe joined.withUnsafeBytes { unsafe scan($0, at: now) }
            if used < joined.count {
                joined.removeFirst(used)
                if isAligned, start == bytes.count {
                    partial = joined
                } else {
                    // Something else than lines: rare enough to be copied.
                    unsafe joined.append(contentsOf: bytes[start...])
                    start = bytes.count
                    let used = unsafe joined.withUnsafeBytes { unsafe scan($0, at: now) }
                    partial = Array(joined[used...])
                }
            } else {
                // Keeps its memory for the next time.
                joined.removeAll(keepingCapacity: true)
                partial = joined
            }
        }
        if start < bytes.count {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[start...])
            let used = unsafe scan(rest, at: now)
            unsafe partial.append(contentsOf: rest[used...])
        }
        recordLatencies(at: now)
    }

    /// Looks at whole frames, and returns how many bytes they have. What is left is less than a frame.
    private mutating func scan(_ bytes: UnsafeRawBufferPointer, at now: Tick) -> Int {
        guard let start = bytes.baseAddress else { return 0 }
        var offset = 0
        while bytes.count - offset >= frame.count {
            if unsafe isFrame(start + offset) {
                isAligned = true
                unsafe receive(LineHeader(from: start + offset + frame.lineOffset), at: now)
                offset += frame.count
            } else if isAligned, unsafe isKeepAlive(start + offset) {
                offset += keepAlive.count
            } else {
                if isAligned {
                    isInForeignLine = unsafe toleratesForeignLines && bytes[offset] == Self.foreignMark
                    if isInForeignLine { findings.foreign += 1 } else { findings.damaged += 1 }
                }
                let newline = unsafe memchr(start + offset, Int32(UInt8(ascii: "\n")), bytes.count - offset)
                let end = unsafe newline.map { unsafe UnsafeRawPointer($0) - start + 1 }
                if isInForeignLine { findings.foreignBytes += (end ?? bytes.count) - offset }
                // After the newline of a foreign line, a line must begin. After any other newline, one may.
                isAligned = isInForeignLine && end != nil
                guard let end else { return bytes.count }
                offset = end
            }
        }
        return offset
    }

    /// Whether all is there that is the same in every frame.
    private func isFrame(_ start: UnsafeRawPointer) -> Bool {
        let headerEnd = frame.lineOffset + LineHeader.length
        return unsafe frame.bytes.withUnsafeBytes { expected in
            guard let expected = expected.baseAddress else { return false }
            return unsafe memcmp(start + headerEnd, expected + headerEnd, frame.count - headerEnd) == 0
                && memcmp(start, expected, frame.lineOffset) == 0
        }
    }

    private func isKeepAlive(_ start: UnsafeRawPointer) -> Bool {
        unsafe !keepAlive.isEmpty && memcmp(start, keepAlive, keepAlive.count) == 0
    }

    private mutating func receive(_ header: LineHeader, at now: Tick) {
        let sender = Int(header.sender)
        guard sender < expected.count else {
            if header.sender != LineHeader.prober { findings.damaged += 1 }
            return
        }
        findings.lines &+= 1
        if !isDue(from: header.sender) { findings.misdirected += 1 }
        let ahead = (header.number &- expected[sender]) & LineHeader.numberMask
        if ahead == 0 {
            expected[sender] = (header.number &+ 1) & LineHeader.numberMask
        } else if ahead <= LineHeader.numberMask / 2 {
            findings.missing += Int(ahead)
            expected[sender] = (header.number &+ 1) & LineHeader.numberMask
        } else {
            findings.repeated += 1
        }
        if header.time == lastTime {
            lastTimeCount &+= 1
        } else {
            recordLatencies(at: now)
            lastTime = header.time
            lastTimeCount = 1
        }
    }

    /// Lines that were sent together and arrive together have one latency, and are recorded at once.
    private mutating func recordLatencies(at now: Tick) {
        if lastTimeCount > 0 { latencies.record(now.nanoseconds(since: lastTime), count: lastTimeCount) }
        lastTimeCount = 0
    }

    /// Whether a sender's lines should come here.
    private func isDue(from sender: UInt32) -> Bool {
        (sender == ownNumber) == expectsOwn
    }

    /// Counts what should have come and has not, once nothing more will.
    mutating func finish(sentBySender: [UInt32]) {
        for (sender, count) in sentBySender.enumerated() where isDue(from: UInt32(sender)) {
            findings.missing += Int((count &- expected[sender]) & LineHeader.numberMask)
        }
    }
}
