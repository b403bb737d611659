public import Reactor

extension EventLoop {
    /// Begins to connect to a server of WebSocket. The handler gets `connectionDidOpen` once the server has accepted, and `connectionDidClose` if
    /// it does not: with the reason `transportFailed`, which says what it has answered.
    ///
    /// ```swift
    /// try loop.connectWebSocket(to: .loopback(port: 8080), host: "localhost:8080", path: "/ws", handler: handler)
    /// ```
    ///
    /// For what the handler gets and sends, see ``HTTPResponse/webSocket(for:options:subprotocols:pingInterval:makeHandler:)``. Until
    /// `connectionDidOpen` nothing may be sent.
    ///
    /// - Parameters:
    ///   - address: The address to connect to.
    ///   - host: The host, with its port, as a URL names it.
    ///   - path: What is asked for there, from its first slash on, with the query.
    ///   - subprotocols: Those that the client speaks, the best one first. A server that does not agree on one of them is left.
    ///   - deadline: When to give up: also for the answer of the server. With nil the latter has ten seconds.
    ///   - options: The connection's settings. The framing does not count.
    ///   - pingInterval: How long the server may be silent, before it is asked whether it is there; nil for as long as it likes.
    ///   - handler: The connection's handler.
    /// - Throws: What `connect` throws, and `Errno.invalidArgument` for a host, a path or a subprotocol with a space or a control character in it.
    ///
    /// The corresponding C functions are `socket` and `connect`.
    @discardableResult
    public func connectWebSocket(
        to address: SocketAddress, host: String, path: String = "/", subprotocols: [String] = [],
        deadline: ContinuousClock.Instant? = nil, options: Connection.Options = .init(), pingInterval: Duration? = .seconds(30),
        handler: any ConnectionHandler
    ) throws(Errno) -> Connection {
        let isPlain = ([host, path] + subprotocols).allSatisfy { $0.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } && !$0.isEmpty }
        guard isPlain, path.utf8.first == UInt8(ascii: "/") else { throw .invalidArgument }
        let client = WebSocketClient(
            handler, host: host, path: path, subprotocols: subprotocols, deadline: deadline, options: options,
            pingInterval: pingInterval)
        var headOptions = HTTPHandler.connectionOptions
        headOptions.transport = options.transport
        headOptions.handshakeTimeout = options.handshakeTimeout
        headOptions.unsentLowWater = options.unsentLowWater
        return try connect(to: address, deadline: deadline, options: headOptions, handler: client)
    }
}

/// Asks for a WebSocket, and reads the head of the answer. Then the connection is a `WebSocketHandler`'s.
private final class WebSocketClient: ProtocolHandler {
    let handler: any ConnectionHandler
    private let (host, path): (String, String)
    private let subprotocols: [String]
    private let deadline: ContinuousClock.Instant?
    private let options: Connection.Options
    private let pingInterval: Duration?
    private let key = WebSocketKey.random()
    private var timer: EventLoop.Timer?
    private var answer = HTTPAnswerReader()

    init(
        _ handler: any ConnectionHandler, host: String, path: String, subprotocols: [String],
        deadline: ContinuousClock.Instant?, options: Connection.Options, pingInterval: Duration?
    ) {
        self.handler = handler
        (self.host, self.path) = (host, path)
        self.subprotocols = subprotocols
        self.deadline = deadline
        self.options = options
        self.pingInterval = pingInterval
    }

    var heldByteCount: Int { 0 }

    func takeEnd(of connection: Connection, reason: CloseReason) -> [UInt8]? { nil }

    func connectionDidOpen(_ connection: Connection) {
        var request = "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        request += "Sec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: 13\r\n"
        if !subprotocols.isEmpty { request += "Sec-WebSocket-Protocol: \(subprotocols.joined(separator: ", "))\r\n" }
        connection.send(request + "\r\n")
        let timer = connection.loop.makeTimer { [weak connection] in connection?.close(reason: .connectTimedOut) }
        timer.arm(at: deadline ?? .now.advanced(by: .seconds(10)))
        self.timer = timer
    }

    func connection(_ connection: Connection, didReceive lines: borrowing MessageBatch) {
        do throws(TransportFailure) {
            guard try answer.receive(lines.text(at: 0)) else { return }
            try check()
        } catch {
            return connection.close(reason: .transportFailed(error))
        }
        timer?.cancel()
        let session = WebSocketHandler(handler, role: .client, options: options, pingInterval: pingInterval)
        connection.handOver(
            to: session, options: Connection.SharedOptions(WebSocketHandler.connectionOptions(options, role: .client)))
    }

    private func check() throws(TransportFailure) {
        guard answer.status.split(separator: " ").first == "101" else {
            throw TransportFailure("the server has answered '\(answer.status)'")
        }
        let fields = answer.fields
        guard fields.lists("websocket", in: "Upgrade"), fields.lists("upgrade", in: "Connection"),
            fields.values(of: "Sec-WebSocket-Accept") == [WebSocketKey.answer(to: key)],
            fields.values(of: "Sec-WebSocket-Extensions").isEmpty
        else { throw TransportFailure("the server has not understood that a WebSocket is wanted") }
        let agreed = fields.values(of: "Sec-WebSocket-Protocol")
        guard agreed.count == (subprotocols.isEmpty ? 0 : 1), agreed.allSatisfy(subprotocols.contains) else {
            throw TransportFailure("the server speaks none of the subprotocols \(subprotocols.joined(separator: ", "))")
        }
    }

    func connectionDidDiscardMessage(_ connection: Connection) {
        connection.close(reason: .transportFailed(HTTPAnswerReader.tooLong))
    }

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        timer?.cancel()
        let isEarly = reason == .endOfInput
        handler.connectionDidClose(
            connection, reason: isEarly ? .transportFailed(TransportFailure("the server has closed without an answer")) : reason)
    }
}

/// Reads the head of an answer, a line at a time.
private struct HTTPAnswerReader {
    static let tooLong = TransportFailure("the server's answer is too long")
    /// As in `101 Switching Protocols`.
    private(set) var status = ""
    private(set) var fields: [HTTPRequest.Field] = []
    private var length = 0

    /// Takes the next line. Returns whether it was the last.
    mutating func receive(_ line: String) throws(TransportFailure) -> Bool {
        length += line.utf8.count + 2
        if length > HTTPRequestReader.maximumLength { throw Self.tooLong }
        if status.isEmpty {
            guard line.hasPrefix("HTTP/1.1 ") else { throw TransportFailure("this is no server of HTTP/1.1") }
            // It goes into logs.
            status = String(line.dropFirst("HTTP/1.1 ".count).filter { $0.isASCII && ($0.asciiValue ?? 0) >= 0x20 })
            return false
        }
        if line.isEmpty { return true }
        guard let colon = line.firstIndex(of: ":") else { throw TransportFailure("the server's answer is malformed") }
        let value = line[line.index(after: colon)...].trimmingBlanks
        fields.append(HTTPRequest.Field(name: String(line[..<colon]), value: String(value)))
        return false
    }
}
