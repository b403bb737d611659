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
    /// An echo server: what a connection sends, it gets back.
    case echo
    /// Redis pub/sub: senders publish, and the other connections subscribe.
    case redis
    /// NATS core, in the same way.
    case nats

    var audience: Audience {
        switch self {
        case .line: .everybodyElse
        case .echo: .sender
        case .redis, .nats: .subscribers
        }
    }

    /// Whether a connection that sends gets lines, too.
    public var sendersReceive: Bool { audience != .subscribers }

    /// What a receiver says once it is connected.
    var receiverGreeting: String {
        switch self {
        case .line, .echo: ""
        case .redis: "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nr\r\n"
        case .nats: "\(Self.natsConnect)SUB r 1\r\nPING\r\n"
        }
    }

    /// What a sender says once it is connected.
    var senderGreeting: String {
        switch self {
        case .line, .echo, .redis: ""
        case .nats: "\(Self.natsConnect)PING\r\n"
        }
    }

    private static let natsConnect = "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false}\r\n"

    /// A question that a server may ask to see whether a connection still lives, and the answer. NATS asks once at the beginning
    /// and then every two minutes, which is longer than a run.
    var keepAlive: (question: [UInt8], answer: String)? {
        switch self {
        case .line, .echo, .redis: nil
        case .nats: (Array("PING\r\n".utf8), "PONG\r\n")
        }
    }

    /// A line as a sender sends it.
    func published(_ line: [UInt8]) -> Frame {
        switch self {
        case .line, .echo: Frame("", line, "")
        case .redis: Frame("*3\r\n$7\r\nPUBLISH\r\n$1\r\nr\r\n$\(line.count)\r\n", line, "\r\n")
        case .nats: Frame("PUB r \(line.count)\r\n", line, "\r\n")
        }
    }

    /// A line as a receiver gets it.
    func delivered(_ line: [UInt8]) -> Frame {
        switch self {
        case .line, .echo: Frame("", line, "")
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

    var count: Int { bytes.count }

    init(_ prefix: String, _ line: [UInt8], _ suffix: String) {
        bytes = Array(prefix.utf8) + line + Array(suffix.utf8)
        lineOffset = prefix.utf8.count
    }

    /// A line of a length, its header still blank.
    static func blankLine(length: Int) -> [UInt8] {
        var line = [UInt8](repeating: UInt8(ascii: "."), count: length)
        line[length - 1] = UInt8(ascii: "\n")
        return line
    }
}
