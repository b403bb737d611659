import Glibc
public import Reactor

/// Serves HTTP/1.1 on a connection: has a closure asked for the response to each request. One handler is for one connection.
///
/// ```swift
/// try loop.listen(on: .loopback(port: 8080), options: HTTPHandler.connectionOptions) {
///     HTTPHandler { request in request.path == "/" ? HTTPResponse("hello\n") : HTTPResponse(.notFound) }
/// }
/// ```
///
/// Requests are GET and HEAD, without content: see ``HTTPRequestReader``. What is no such request is answered with its status, and the
/// connection is closed. Otherwise the connection stays open for the next one, unless the client wants it to be closed. Requests that come
/// before the one before them is answered wait, unread, until the kernel has taken that response: so they are answered in order, and a
/// client that does not read keeps one response in memory.
///
/// A head that is not complete in time is answered with `408 Request Timeout`. A connection that waits for the next request, or for its
/// client to read, is closed after a longer time.
///
/// A request may ask for a WebSocket: see ``HTTPResponse/webSocket(for:options:subprotocols:pingInterval:makeHandler:)``. The head comes as
/// lines, each delivered alone, so the empty line that ends it is a place between two messages, where the connection is handed over.
public final class HTTPHandler: ConnectionHandler {
    /// How long a client may take.
    public struct Timeouts: Hashable, Sendable {
        /// For a head, from its first line on; and for the first line of a connection.
        public var head = Duration.seconds(10)
        /// To read a response and to begin the next request.
        public var idle = Duration.seconds(120)

        /// Ten seconds for a head, two minutes for a client that asks for nothing.
        public init() {}
    }

    /// Makes the response to a request. Called on the loop's thread.
    public typealias Responder = (HTTPRequest) -> HTTPResponse

    private let respond: (HTTPRequest, @escaping (HTTPResponse) -> Void) -> Void
    /// Is told of each response, also of those to what was no request.
    package var didRespond: ((HTTPStatus) -> Void)?
    /// Is told if the connection closes without having opened: its transport's handshake has failed.
    package var didNotOpen: ((CloseReason) -> Void)?
    private var isOpen = false
    private let timeouts: Timeouts
    private var reader = HTTPRequestReader()
    private var timer: EventLoop.Timer?
    private var isAwaitingDrain = false
    private var isAwaitingResponse = false
    /// Whether the response that is awaited is one without content.
    private var isHead = false

    /// A handler for one connection, whose options must be ``connectionOptions``, or have the same framing and deliver each message alone.
    public convenience init(timeouts: Timeouts = Timeouts(), respond: @escaping Responder) {
        self.init(timeouts: timeouts, respondingLater: { request, send in send(respond(request)) })
    }

    /// A handler for one connection whose responses may come later.
    ///
    /// - Parameter respond: Called on the loop's thread with a request, and with what it is to call once with the response, on the same
    ///   thread. Until then no other request is read. If that takes as long as a head may take, the response is `503 Service Unavailable`.
    public init(
        timeouts: Timeouts = Timeouts(),
        respondingLater respond: @escaping (HTTPRequest, @escaping (HTTPResponse) -> Void) -> Void
    ) {
        self.timeouts = timeouts
        self.respond = respond
    }

    /// What the connections of such a handler need: lines that are not longer than a head may be, each delivered alone.
    public static var connectionOptions: Connection.Options {
        var options = Connection.Options()
        options.framing = .lines
        options.maximumMessageLength = HTTPRequestReader.maximumLength
        options.batchesMessages = false
        // A response is whole, however long it is. There is one at a time.
        options.maximumPendingOutput = .max
        return options
    }

    public func connectionDidOpen(_ connection: Connection) {
        isOpen = true
        let timer = connection.loop.makeTimer { [weak self, weak connection] in
            if let self, let connection { timeIsOver(connection) }
        }
        timer.arm(after: timeouts.head)
        self.timer = timer
    }

    public func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
        let hadBegun = reader.hasBegun
        do throws(HTTPRequestReader.Refusal) {
            guard let request = try messages.withMessage(at: 0, receive) else {
                if !hadBegun, reader.hasBegun { timer?.arm(after: timeouts.head) }
                return
            }
            handle(request, over: connection)
        } catch {
            refuse(error, over: connection)
        }
    }

    private func handle(_ request: HTTPRequest, over connection: Connection) {
        connection.pauseReading()
        isAwaitingResponse = true
        isHead = request.method == .head
        timer?.arm(after: timeouts.head)
        respond(request) { [weak self, weak connection] response in
            guard let self, let connection, isAwaitingResponse else { return }
            answer(with: response, over: connection, closes: request.closesConnection)
        }
    }

    /// Sends the response that is awaited.
    private func answer(with response: HTTPResponse, over connection: Connection, closes: Bool) {
        isAwaitingResponse = false
        connection.resumeReading()
        send(response, over: connection, isHead: isHead, closes: closes)
    }

    private func receive(_ line: Span<UInt8>) throws(HTTPRequestReader.Refusal) -> HTTPRequest? {
        try reader.receive(line)
    }

    public func connectionDidDiscardMessage(_ connection: Connection) {
        refuse(reader.refuseLongLine(), over: connection)
    }

    private func refuse(_ refusal: HTTPRequestReader.Refusal, over connection: Connection) {
        var response = HTTPResponse("\(refusal.status): \(refusal)\n", status: refusal.status)
        if refusal.status == .methodNotAllowed { response.fields.append(("Allow", "GET, HEAD")) }
        send(response, over: connection, isHead: false, closes: true)
    }

    private func send(_ response: HTTPResponse, over connection: Connection, isHead: Bool, closes: Bool) {
        didRespond?(response.status)
        connection.send(response.encoded(isHead: isHead, closes: closes, at: time(nil)).span)
        if let upgrade = response.upgrade {
            timer?.cancel()
            return upgrade(connection)
        }
        if closes {
            timer?.cancel()
            return connection.finish()
        }
        // The next request is read when this response has left. If it never will, none of them need an answer.
        if connection.hasFailedOutput { return connection.close() }
        connection.pauseReading()
        isAwaitingDrain = true
        timer?.arm(after: timeouts.idle)
    }

    public func connectionDidDrain(_ connection: Connection) {
        guard isAwaitingDrain else { return }
        isAwaitingDrain = false
        connection.resumeReading()
    }

    private func timeIsOver(_ connection: Connection) {
        if isAwaitingDrain { return connection.close(reason: .tooSlow) }
        if isAwaitingResponse { return answer(with: HTTPResponse(.serviceUnavailable), over: connection, closes: true) }
        guard reader.hasBegun || connection.unfinishedByteCount != 0 else { return connection.finish() }
        send(HTTPResponse(.requestTimeout), over: connection, isHead: false, closes: true)
    }

    public func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        timer?.cancel()
        timer = nil
        if !isOpen { didNotOpen?(reason) }
    }
}
