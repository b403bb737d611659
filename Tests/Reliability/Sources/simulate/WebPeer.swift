import ChatReactor
import SimulatedKernel

/// What somebody who has come to a simulated chat by WebSocket (RFC 6455) does beside saying and hearing lines: it asks for the WebSocket, makes
/// frames of its lines, answers pings and Close frames, and looks whether its own are answered.
final class WebPeer {
    private var random: SeededGenerator
    /// Whether it has asked to get objects from the beginning.
    let isJSON: Bool

    // What it has written.
    /// What each ping says that was not answered yet, and before which mark it was sent.
    private var pings: [(command: Int, payload: [UInt8])] = []
    private var pingCount = 0
    /// Whether so much has waited for it that not every ping is answered.
    var mayLackPongs = false
    /// Whether it has sent a message that is too long in parts, for which it is closed at once.
    private(set) var hasSentLongParts = false
    private(set) var hasSentClose = false
    private var ownCode: Int?

    // What it has read.
    /// How many bytes are read, up to the end of a frame.
    private var offset = 0
    /// The status of the response to its request.
    private(set) var status: String?
    private(set) var hasClose = false
    private(set) var closeCode: Int?
    /// The pings that it has to answer once it has taken so many bytes.
    private var unanswered: [(end: Int, payload: [UInt8])] = []

    init(isJSON: Bool, seed: UInt64) {
        self.isJSON = isJSON
        random = SeededGenerator(seed: seed)
    }

    /// Whether the server has answered with anything but a WebSocket.
    var isRefused: Bool { status.map { $0 != "101" } ?? false }

    // MARK: - What it writes

    /// The key is that of the RFC's example.
    var request: [UInt8] {
        let subprotocol =
            isJSON ? "Sec-WebSocket-Protocol: chat.json\r\n" : random.oneIn(2) ? "Sec-WebSocket-Protocol: chat.text\r\n" : ""
        return Array(
            ("GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\(subprotocol)"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").utf8)
    }

    /// Frames of a line, given without its newline: one as a rule, sometimes several, among which others may be.
    ///
    /// - Parameter command: Which mark follows.
    func frames(of line: some Collection<UInt8>, before command: Int, limit: Int) -> [UInt8] {
        let text = Array(line)
        var bytes: [UInt8] = random.oneIn(30) ? control(before: command) : []
        let cutCount = random.oneIn(4) ? random.number(1...3) : 0
        if cutCount > 0, text.count > limit { hasSentLongParts = true }
        // Within a character, perhaps.
        let cuts = (0..<cutCount).map { _ in random.number(0...text.count) }.sorted()
        var start = 0
        for (index, end) in (cuts + [text.count]).enumerated() {
            if index > 0, random.oneIn(6) { bytes += control(before: command) }
            bytes += frame((index == 0 ? 1 : 0) | (index == cutCount ? 0x80 : 0), text[start..<end])
            start = end
        }
        return bytes
    }

    /// A ping that must be answered, or a pong that nobody has asked for.
    private func control(before command: Int) -> [UInt8] {
        if random.oneIn(4) { return frame(0x8A, "unasked".utf8) }
        pingCount += 1
        let payload = Array((random.oneIn(3) ? "" : "ping \(pingCount)").utf8)
        pings.append((command, payload))
        return frame(0x89, payload)
    }

    /// A Close frame, after which it writes nothing.
    func close() -> [UInt8] {
        hasSentClose = true
        let code = random.element(of: [1000, 1001, 3000, nil])
        ownCode = code
        return frame(0x88, code.map { [UInt8($0 >> 8), UInt8($0 & 255)] + Array("bye".utf8) } ?? [])
    }

    private func frame(_ head: UInt8, _ payload: some Collection<UInt8>) -> [UInt8] {
        let count = payload.count
        var bytes = [head]
        if count < 126 {
            bytes.append(0x80 | UInt8(count))
        } else {
            bytes += [0x80 | 126, UInt8(count >> 8), UInt8(count & 255)]
        }
        let mask = (0..<4).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        bytes += mask
        for (index, byte) in payload.enumerated() { bytes.append(byte ^ mask[index % 4]) }
        return bytes
    }

    /// What it answers to what it has taken.
    func answers(havingTaken taken: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while let (end, payload) = unanswered.first, end <= taken {
            bytes += frame(0x8A, payload)
            unanswered.removeFirst()
        }
        return bytes
    }

    // MARK: - What it reads

    private enum Part {
        case head(end: Int)
        case frame(opcode: UInt8, isFinal: Bool, payload: Range<Int>)
    }

    /// The text that comes next; nil if none has come whole.
    ///
    /// - Parameter marksHeard: How many marks the server has heard.
    func nextText(of sent: UnsafeBufferPointer<UInt8>) throws(Finding) -> [UInt8]? {
        while !isRefused {
            if hasClose, offset < sent.count { throw Finding("something follows a Close frame") }
            switch unsafe try part(of: sent) {
            case nil: return nil
            case .head(let end)?:
                unsafe try take(head: String(decoding: sent[offset..<end], as: UTF8.self))
                offset = end
            case .frame(let opcode, let isFinal, let range)?:
                offset = range.upperBound
                let payload = unsafe Array(sent[range])
                if !isFinal { throw Finding("the server sends a part of a message") }
                if opcode == 1 { return payload }
                try take(opcode, payload)
            }
        }
        return nil
    }

    private func part(of sent: UnsafeBufferPointer<UInt8>) throws(Finding) -> Part? {
        let rest = unsafe sent[offset...]
        if status == nil {
            return unsafe rest.firstRange(of: [13, 10, 13, 10]).map { .head(end: $0.upperBound) }
        }
        guard unsafe rest.count >= 2 else { return nil }
        let (first, second) = unsafe (rest[offset], rest[offset + 1])
        if first & 0x70 != 0 || second & 0x80 != 0 || second == 127 { throw Finding("the server sends what is no frame") }
        var (count, start) = (Int(second), offset + 2)
        if count == 126 {
            guard unsafe rest.count >= 4 else { return nil }
            count = unsafe Int(rest[offset + 2]) << 8 | Int(rest[offset + 3])
            start += 2
        }
        guard start + count <= sent.count else { return nil }
        return .frame(opcode: first & 15, isFinal: first & 0x80 != 0, payload: start..<start + count)
    }

    private func take(head: String) throws(Finding) {
        status = head.split(separator: " ").dropFirst().first.map(String.init) ?? ""
        if isRefused { return }
        guard head.hasPrefix("HTTP/1.1 101 "), head.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
            !isJSON || head.contains("\r\nSec-WebSocket-Protocol: chat.json\r\n")
        else { throw Finding("a WebSocket is not accepted as it should be", head) }
    }

    private func take(_ opcode: UInt8, _ payload: [UInt8]) throws(Finding) {
        switch opcode {
        case 8:
            if payload.count == 1 { throw Finding("the server sends half a close code") }
            hasClose = true
            closeCode = payload.count < 2 ? nil : Int(payload[0]) << 8 | Int(payload[1])
        case 9: unanswered.append((offset, payload))
        case 10:
            guard let index = pings.firstIndex(where: { $0.payload == payload }), index == 0 || mayLackPongs else {
                throw Finding("a pong answers no ping, or not the next one", String(decoding: payload, as: UTF8.self))
            }
            pings.removeSubrange(...index)
        default: throw Finding("the server sends a frame of kind \(opcode)")
        }
    }

    // MARK: - What must hold

    /// Whether a ping is not answered that the server has seen, having heard so many marks.
    func lacksPong(after marks: Int) -> Bool { !mayLackPongs && pings.first.map { $0.command < marks } ?? false }

    /// Whether a Close frame says why the connection is closed.
    ///
    /// - Parameter isAnswer: Whether its own Close frame has left.
    func hasRightCode(for reason: CloseReason, isAnswer: Bool) -> Bool {
        switch reason {
        case .endOfInput: closeCode == (isAnswer ? ownCode : 1000)
        case .incompleteMessage, .requested: closeCode == 1000
        case .shutdown: closeCode == 1001
        case .messageTooLong: closeCode == 1009
        case .tooSlow: closeCode == 1013
        default: true
        }
    }
}
