/// How a server takes lines and hands them on. In each of them a delivered line of given length has a given form, so that
/// receivers can count deliveries by counting bytes.
public enum Wire: String, CaseIterable, Sendable {
    /// Who gets a line.
    enum Audience {
        case everybodyElse
        /// Connections that do not send.
        case subscribers
        case sender
    }

    /// A line relay: what a connection sends, every other gets.
    case line
    /// A line relay whose connections are WebSockets, at the path `/ws`: a frame of text is a line without its newline.
    case web
    /// An echo server: what a connection sends, it gets back.
    case echo
    /// Redis pub/sub: senders publish, and the other connections subscribe.
    case redis
    /// NATS core, in the same way.
    case nats

    var audience: Audience {
        switch self {
        case .line, .web: .everybodyElse
        case .echo: .sender
        case .redis, .nats: .subscribers
        }
    }

    /// Whether a connection that sends gets lines, too.
    public var sendersReceive: Bool { audience != .subscribers }

    /// What a receiver says once it is connected.
    var receiverGreeting: String {
        switch self {
        case .line, .web, .echo: ""
        case .redis: "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nr\r\n"
        case .nats: "\(Self.natsConnect)SUB r 1\r\nPING\r\n"
        }
    }

    /// What a sender says once it is connected.
    var senderGreeting: String {
        switch self {
        case .line, .web, .echo, .redis: ""
        case .nats: "\(Self.natsConnect)PING\r\n"
        }
    }

    private static let natsConnect = "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false}\r\n"

    /// A question that a server may ask to see whether a connection still lives, and the answer. NATS asks once at the beginning
    /// and then every two minutes, which is longer than a run.
    var keepAlive: (question: [UInt8], answer: String)? {
        switch self {
        case .line, .web, .echo, .redis: nil
        case .nats: (Array("PING\r\n".utf8), "PONG\r\n")
        }
    }

    /// What a connection says every ten seconds, so that no server asks whether it still lives: that would be bytes that are no delivery.
    /// Servers of WebSocket ask who is silent, some after twenty seconds.
    var heartbeat: [UInt8]? {
        // A frame of the kind pong, which answers nothing.
        self == .web ? [0x8A, 0x80, 0, 0, 0, 0] : nil
    }

    /// A line as a sender sends it.
    func published(_ line: [UInt8]) -> Frame {
        switch self {
        case .line, .echo: Frame("", line, "")
        case .web: Frame(webFrameOf: line, mask: [0x5A, 0xC3, 0x96, 0x0F])
        case .redis: Frame("*3\r\n$7\r\nPUBLISH\r\n$1\r\nr\r\n$\(line.count)\r\n", line, "\r\n")
        case .nats: Frame("PUB r \(line.count)\r\n", line, "\r\n")
        }
    }

    /// A line as a receiver gets it.
    func delivered(_ line: [UInt8]) -> Frame {
        switch self {
        case .line, .echo: Frame("", line, "")
        case .web: Frame(webFrameOf: line, mask: [])
        case .redis: Frame("*3\r\n$7\r\nmessage\r\n$1\r\nr\r\n$\(line.count)\r\n", line, "\r\n")
        case .nats: Frame("MSG r 1 \(line.count)\r\n", line, "\r\n")
        }
    }
}

/// A line inside what a protocol puts around it. Only the line's header differs from one frame to the next.
struct Frame {
    let bytes: [UInt8]
    /// Where the line, and so its header, begins.
    let lineOffset: Int
    /// What each eight bytes of the line are combined with, by an exclusive or.
    let mask: UInt64

    var count: Int { bytes.count }

    init(_ prefix: String, _ line: [UInt8], _ suffix: String) {
        bytes = Array(prefix.utf8) + line + Array(suffix.utf8)
        lineOffset = prefix.utf8.count
        mask = 0
    }

    /// A WebSocket's frame of text with a line, but without its newline.
    ///
    /// - Parameter mask: The four bytes of the mask, as in a client's frames, or none. The same one for all frames: what a server does to
    ///   take a mask off costs the same for each, but for one of zeros, which some servers look for.
    init(webFrameOf line: [UInt8], mask: [UInt8]) {
        let count = line.count - 1
        let length = count < 126 ? [UInt8(count)] : [126, UInt8(count >> 8), UInt8(count & 0xFF)]
        var header = [0x81] + length + mask
        if !mask.isEmpty { header[1] |= 0x80 }
        let payload = line.dropLast()
        bytes = header + (mask.isEmpty ? Array(payload) : payload.indices.map { payload[$0] ^ mask[$0 % 4] })
        lineOffset = header.count
        self.mask = mask.isEmpty ? 0 : (0..<8).reduce(0) { $0 | UInt64(mask[$1 % 4]) << UInt64(8 * $1) }
    }

    /// A line of a length, its header still blank.
    static func blankLine(length: Int) -> [UInt8] {
        var line = [UInt8](repeating: UInt8(ascii: "."), count: length)
        line[length - 1] = UInt8(ascii: "\n")
        return line
    }
}
