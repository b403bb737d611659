import TestSupport

/// The WebSocket of a client in a random chat: how it asks for it, which frames it makes of what it writes, and what must come besides text.
final class ChatSocket {
    /// What has come next.
    enum Next {
        /// The head of the server's answer.
        case head
        case text(String)
        case pong
        /// The last: nothing follows it.
        case close(code: Int?)
    }

    private let subprotocols: String?
    private let agreed: String?
    /// What the pings that have not been answered yet say.
    private var pings: [[UInt8]] = []
    private var pingCount = 0
    private var hasHead = false
    private(set) var hasSentClose = false
    private(set) var hasClose = false
    /// With which code it has closed.
    private(set) var ownCode: Int?
    /// Whether so much has waited for it that not every ping is answered.
    var mayLackPongs = false

    init(using random: inout SeededGenerator) {
        let offers: [(String?, agreed: String?)] = [
            ("chat.json", "chat.json"), ("chat.text", "chat.text"), (nil, nil), ("chat.text, chat.json", "chat.text"),
            ("other, chat.json,chat.text", "chat.json"), ("other", nil),
        ]
        (subprotocols, agreed) = offers.randomElement(using: &random)!
    }

    var request: [UInt8] {
        Array(WebSocketPeer.request(fields: subprotocols.map { ["Sec-WebSocket-Protocol: \($0)"] } ?? []).utf8)
    }

    /// Whether it is open, as far as the client knows.
    var isOpen: Bool { hasHead && !hasClose }
    var lacksAnswerToClose: Bool { hasSentClose && !hasClose }
    var lacksPong: Bool { !pings.isEmpty && !mayLackPongs }

    // MARK: - What it writes

    /// A message of text, in one frame or in several, among which others may be: where it is cut may be within a character.
    func frames(of text: some Sequence<UInt8>, using random: inout SeededGenerator) -> [UInt8] {
        let text = Array(text)
        var bytes: [UInt8] = []
        if Int.random(in: 0..<20, using: &random) == 0 { bytes += control(using: &random) }
        let cuts = (0..<pickCutCount(using: &random)).map { _ in Int.random(in: 0...text.count, using: &random) }.sorted()
        let ends = cuts + [text.count]
        var start = 0
        for (index, end) in ends.enumerated() {
            if index > 0, Int.random(in: 0..<4, using: &random) == 0 { bytes += control(using: &random) }
            let frame = WebSocketPeer.Frame(index == 0 ? 1 : 0, Array(text[start..<end]), isFinal: index == cuts.count)
            bytes += masked(frame, using: &random)
            start = end
        }
        return bytes
    }

    private func pickCutCount(using random: inout SeededGenerator) -> Int {
        Int.random(in: 0..<3, using: &random) == 0 ? .random(in: 1...3, using: &random) : 0
    }

    /// A ping that must be answered, or a pong that nobody has asked for.
    private func control(using random: inout SeededGenerator) -> [UInt8] {
        if Int.random(in: 0..<4, using: &random) == 0 { return masked(.pong("nobody has asked"), using: &random) }
        pingCount += 1
        let ping = WebSocketPeer.Frame.ping(Bool.random(using: &random) ? "\(pingCount)" : "")
        pings.append(ping.payload)
        return masked(ping, using: &random)
    }

    /// A Close frame, after which nothing may be written.
    func close(using random: inout SeededGenerator) -> [UInt8] {
        hasSentClose = true
        ownCode = [nil, 1000, 1001, 3000, 4999].randomElement(using: &random)!
        let frame = ownCode.map { WebSocketPeer.Frame.close(UInt16($0), "bye") } ?? WebSocketPeer.Frame(8)
        return masked(frame, using: &random)
    }

    private func masked(_ frame: WebSocketPeer.Frame, using random: inout SeededGenerator) -> [UInt8] {
        frame.bytes(mask: (0..<4).map { _ in .random(in: 0...255, using: &random) })
    }

    // MARK: - What it reads

    /// What its input begins with, and how many bytes that took; nil if it is not whole yet.
    func next(in bytes: ArraySlice<UInt8>) throws -> (next: Next, length: Int)? {
        if hasClose, !bytes.isEmpty { throw ChatModel.Broken("something follows a Close frame") }
        guard hasHead else { return try head(in: bytes).map { (.head, $0) } }
        switch WebSocketPeer.Frame.first(in: bytes) {
        case .partial: return nil
        case .none: throw ChatModel.Broken("a client got what is no frame")
        case .whole(let frame, let length):
            if !frame.isFinal { throw ChatModel.Broken("a client got a part of a message") }
            switch frame.opcode {
            case 1:
                guard let text = String(validating: frame.payload, as: UTF8.self) else {
                    throw ChatModel.Broken("a client got a text that is no UTF-8")
                }
                return (.text(text), length)
            case 8:
                if frame.payload.count == 1 { throw ChatModel.Broken("a client got half a close code") }
                hasClose = true
                return (.close(code: frame.closeCode), length)
            case 10:
                guard let index = pings.firstIndex(of: frame.payload), index == 0 || mayLackPongs else {
                    throw ChatModel.Broken("a client got a pong '\(frame.text)' that is not the next one")
                }
                pings.removeSubrange(...index)
                return (.pong, length)
            default: throw ChatModel.Broken("a client got a frame of kind \(frame.opcode)")
            }
        }
    }

    /// How long the head of the server's answer is; nil until it is whole.
    private func head(in bytes: ArraySlice<UInt8>) throws -> Int? {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        hasHead = true
        let head = String(decoding: bytes[..<end.upperBound], as: UTF8.self)
        let named = agreed.map { head.hasLine("Sec-WebSocket-Protocol: \($0)") } ?? !head.contains("Sec-WebSocket-Protocol")
        guard head.hasPrefix("HTTP/1.1 101 "), head.hasLine("Sec-WebSocket-Accept: \(WebSocketPeer.accept)"), named else {
            throw ChatModel.Broken("a WebSocket of \(subprotocols ?? "no subprotocol") is answered with '\(head)'")
        }
        return end.upperBound - bytes.startIndex
    }
}
