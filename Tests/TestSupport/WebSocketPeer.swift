/// The other end of a WebSocket under test: frames made and read in the plainest way, with nothing of the libraries.
public final class WebSocketPeer {
    public struct Frame: Equatable {
        public var opcode: UInt8
        public var isFinal = true
        public var payload: [UInt8]

        public init(_ opcode: UInt8, _ payload: [UInt8] = [], isFinal: Bool = true) {
            self.opcode = opcode
            self.isFinal = isFinal
            self.payload = payload
        }

        public static func text(_ text: String) -> Self { Self(1, Array(text.utf8)) }
        public static func binary(_ bytes: [UInt8]) -> Self { Self(2, bytes) }
        public static func close(_ code: UInt16, _ reason: String = "") -> Self {
            Self(8, [UInt8(code >> 8), UInt8(code & 255)] + Array(reason.utf8))
        }
        public static func ping(_ text: String = "") -> Self { Self(9, Array(text.utf8)) }
        public static func pong(_ text: String = "") -> Self { Self(10, Array(text.utf8)) }

        public enum First {
            case whole(Frame, length: Int)
            /// More must come.
            case partial
            /// It is no frame of a server's.
            case none
        }

        /// The frame that some bytes of a server begin with.
        public static func first(in bytes: ArraySlice<UInt8>) -> First {
            let head = Array(bytes.prefix(10))
            guard head.count >= 2 else { return .partial }
            if head[0] & 0x70 != 0 || head[1] & 0x80 != 0 { return .none }
            var (count, headCount) = (Int(head[1]), 2)
            if count >= 126 { headCount = count == 126 ? 4 : 10 }
            guard head.count >= headCount else { return .partial }
            if count >= 126 { count = head[2..<headCount].reduce(0) { $0 << 8 | Int($1) } }
            guard bytes.count >= headCount + count else { return .partial }
            let payload = Array(bytes.dropFirst(headCount).prefix(count))
            return .whole(Frame(head[0] & 15, payload, isFinal: head[0] & 128 != 0), length: headCount + count)
        }

        /// The code of a Close frame.
        public var closeCode: Int? { opcode == 8 && payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil }
        public var text: String { String(decoding: payload, as: UTF8.self) }

        /// As it goes over the wire, with a mask or without.
        public func bytes(mask: [UInt8]? = [1, 2, 3, 4], reservedBits: UInt8 = 0) -> [UInt8] {
            var bytes = [opcode | (isFinal ? 128 : 0) | reservedBits]
            let bit: UInt8 = mask == nil ? 0 : 128
            let count = payload.count
            if count < 126 {
                bytes.append(bit | UInt8(count))
            } else if count < 65_536 {
                bytes += [bit | 126, UInt8(count / 256), UInt8(count % 256)]
            } else {
                bytes += [bit | 127] + (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * (7 - $0))) }
            }
            guard let mask else { return bytes + payload }
            bytes += mask
            for (index, byte) in payload.enumerated() { bytes.append(byte ^ mask[index % 4]) }
            return bytes
        }
    }

    public let peer: Peer
    /// The head of the server's answer, with its empty line.
    public private(set) var head = ""
    private var unread: [UInt8] = []

    public init(_ peer: Peer) {
        self.peer = peer
    }

    /// A request for a WebSocket. The key is that of RFC 6455's example.
    public static func request(path: String = "/ws", host: String = "localhost", fields: [String] = []) -> String {
        ([
            "GET \(path) HTTP/1.1", "Host: \(host)", "Upgrade: websocket", "Connection: keep-alive, Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
        ] + fields).joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// What the key of `request` is answered with, as the RFC has it.
    public static let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

    // MARK: - Waiting, for a server in another process

    /// Connects to a port of 127.0.0.1, and waits until the WebSocket is accepted.
    public convenience init(
        port: UInt16, subprotocols: [String] = [], host: String = "localhost", fields: [String] = []
    ) throws {
        try self.init(asking: Peer(port: port), subprotocols: subprotocols, host: host, fields: fields)
    }

    /// Asks for a WebSocket, and waits until it is accepted.
    public convenience init(
        asking peer: Peer, subprotocols: [String] = [], host: String = "localhost", fields: [String] = []
    ) throws {
        self.init(peer)
        let subprotocol = subprotocols.isEmpty ? [] : ["Sec-WebSocket-Protocol: \(subprotocols.joined(separator: ", "))"]
        try peer.send(Self.request(host: host, fields: subprotocol + fields))
        while let line = try peer.receiveLine() {
            head += line + "\n"
            // Its carriage return is left of the empty line.
            if line == "\r" { break }
        }
        guard head.hasPrefix("HTTP/1.1 101 ") else { throw Refused(head: head) }
    }

    public struct Refused: Error {
        public let head: String
        public var status: Int { Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0 }
    }

    /// The next frame; nil at the end of input, and for what is no frame.
    public func receiveFrame() throws -> Frame? {
        while true {
            switch Frame.first(in: unread[...]) {
            case .whole(let frame, let length):
                unread.removeFirst(length)
                return frame
            case .none: return nil
            case .partial:
                let more = try peer.receiveSome()
                if more.isEmpty { return nil }
                unread += more
            }
        }
    }

    /// The text of the next frame; nil if it is no text.
    public func receiveText() throws -> String? {
        guard let frame = try receiveFrame(), frame.opcode == 1 else { return nil }
        return frame.text
    }

    // MARK: - Looking, for a server on the test's own thread

    /// The frames that have come after the head until now. A frame that is not whole is left out. Returns nil for what is none, such as a masked
    /// one.
    public var frames: [Frame]? {
        var rest = peer.bytes[...]
        guard let end = rest.firstRange(of: Array("\r\n\r\n".utf8)) else { return [] }
        head = String(decoding: rest[..<end.upperBound], as: UTF8.self)
        rest = rest[end.upperBound...]
        return Self.frames(in: rest)
    }

    public static func frames(in bytes: ArraySlice<UInt8>) -> [Frame]? {
        var rest = bytes
        var frames: [Frame] = []
        while true {
            switch Frame.first(in: rest) {
            case .whole(let frame, let length):
                frames.append(frame)
                rest = rest.dropFirst(length)
            case .partial: return frames
            case .none: return nil
            }
        }
    }

    public func send(_ frames: Frame...) throws { for frame in frames { try peer.send(frame.bytes()) } }
}

extension String {
    /// Whether a head of HTTP has a line.
    public func hasLine(_ line: String) -> Bool { components(separatedByLineEnd: "\r\n").contains(line) }

    private func components(separatedByLineEnd end: String) -> [String] {
        split(separator: end, omittingEmptySubsequences: false).map(String.init)
    }
}
