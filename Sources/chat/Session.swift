import ChatCommandLine
import Glibc
import Reactor

/// The talk with one server, over one connection after the other.
///
/// It finds out whether the server is a chat, which speaks JSON and knows people and rooms, or one that speaks plain lines, such as a relay;
/// connects again when the connection is lost; and then takes the name and the rooms back, and asks for what it has missed.
/// `Session+Chat` has what concerns a chat alone.
final class Session {
    struct Configuration {
        var endpoint: Endpoint
        /// How TLS is spoken with it; nil if it is not.
        var trust: ServerTrust?
        /// How long to try each address.
        var connectTimeout = Duration.seconds(10)
        /// Whether to connect again when the connection is lost.
        var reconnects = true
        /// Whether it ends if it does not get the name or the room.
        var insists = false
        /// By which to log in; then that is the name.
        var credentials: Credentials?
        /// The name to take, and the room to enter, if the server has such.
        var name: String?
        var room: String?
        /// How many messages of the past to ask for; nil for those that the server sends by itself.
        var history: Int?
        /// How long a server may take to say that it is a chat, before what is sent goes to it all the same. If it says so later, it is one.
        var greetingTime = Duration.milliseconds(300)
        /// How long a server may take to read to the end, when all is sent; and whether one of lines that does not is in doubt.
        var lingerTime = Duration.seconds(1)
        var needsEnd = false
        /// The line that leaves a server of plain lines.
        var quitWord: String?
        /// Whether a line that a server of plain lines does not end for a while is shown in pieces.
        var showsUnfinishedLines = true
    }

    /// Who shows what comes, and lets the user type.
    protocol Delegate: AnyObject {
        /// Whether so much waits to be shown that no more should come.
        var isFull: Bool { get }
        /// A line of a server of plain lines, or a piece of one; or what a chat says before it speaks JSON.
        func session(didReceive line: Span<UInt8>, endsLine: Bool, isPrelude: Bool)
        /// What a chat server says, and the line in which it came. For people it may be no news: they know what they have sent.
        func session(didReceive event: ChatEvent, as line: Span<UInt8>, isNews: Bool)
        /// What the session has to say to the user, without a mark before it.
        func session(didNote text: String)
        /// It is known who the server is, and what is sent from now on goes to it; or it is not there any more.
        func sessionDidChangeState()
        /// All that one read has brought was passed on.
        func sessionDidPause()
        /// What was sent has left.
        func sessionDidDrain()
        /// It is over.
        func sessionDidEnd(_ outcome: Outcome)
    }

    enum Server {
        /// Its first line has not come.
        case unknown
        /// It speaks plain lines.
        case lines
        /// It speaks JSON, once it has answered `/json`.
        case chat
    }

    enum State {
        case connecting
        /// Connected, and it is not known yet to what.
        case greeting
        case ready
        /// The connection is lost, and the next attempt is to come.
        case waiting
        case ended
    }

    /// How long a pause must be for the unfinished line of a server to be shown.
    private static let idleTime = Duration.milliseconds(50)
    /// How long a chat may take to do what it is asked for first. A client of a relay may have imitated a chat's first line.
    private static let answerTime = Duration.seconds(5)
    /// How long a server that has never said anything may take to refuse a line that is all that it is sent.
    private static let refusalTime = Duration.milliseconds(200)
    /// How long a connection must stand for the first attempt after it to come soon.
    private static let standingTime = Duration.seconds(10)
    /// How much may wait for the server before no more should be sent.
    private static let sendCapacity = 262_144

    let loop: EventLoop
    let configuration: Configuration
    weak var delegate: (any Delegate)?
    var state = State.connecting
    var server = Server.unknown
    /// What a chat has told about itself and the user.
    var chat = ChatState()

    private var dialer: Dialer?
    private var connection: Connection?
    private var splitter = LineSplitter()
    private var lastLine = LastLine()
    /// Whether a server has ever sent anything.
    private var hasHeard = false
    private var delay = ReconnectDelay()
    private var generator = SystemRandomNumberGenerator()
    private var isPaused = false
    private var isLeaving = false
    private var leavingTime = ContinuousClock.now
    /// Whether there has been a server.
    private(set) var hasBeenConnected = false
    /// Whether there has been one before this connection.
    private(set) var isReconnected = false
    private var hasReceivedLine = false
    private var hasWaitedForWelcome = false
    private var readyTime: ContinuousClock.Instant?
    /// A first line that may say why the server does not let the client in: then the end of the connection follows.
    private var heldLine: [UInt8]?
    private lazy var greetingTimer = loop.makeTimer { [weak self] in self?.greetingDidEnd() }
    private lazy var idleTimer = loop.makeTimer { [weak self] in self?.serverDidPause() }
    /// Runs when the name that the user had may be free again.
    private(set) lazy var nameTimer = loop.makeTimer { [weak self] in self?.askForName() }
    private lazy var reconnectTimer = loop.makeTimer { [weak self] in self?.resolve() }

    init(_ configuration: Configuration, on loop: EventLoop) {
        self.configuration = configuration
        self.loop = loop
        chat.credentials = configuration.credentials
    }

    /// Begins to connect.
    ///
    /// - Parameter addresses: Those of the endpoint. One at least.
    func start(at addresses: [SocketAddress]) {
        dial(addresses)
    }

    // MARK: - Sending

    /// Whether what is sent now reaches the server.
    var isReady: Bool { if case .ready = state { !isLeaving } else { false } }
    /// Whether the server is a chat, and has shown that it speaks JSON.
    var isChat: Bool { server == .chat && chat.speaksJSON }
    /// Whether so much waits for the server that no more should be sent.
    var isBacklogged: Bool { (connection?.pendingOutput ?? 0) >= Self.sendCapacity }
    var pendingOutput: Int { connection?.pendingOutput ?? 0 }

    /// Sends a line, as the user has typed it. Only while `isReady`.
    func send(_ line: String) {
        if server == .chat { chat.logins.didSend(line) }
        if isChat { chat.didSend(line) }
        connection?.send("\(line)\n")
        // The server closes the connection then, which is no loss of it.
        if isChat, line.commandName == "/quit" { finish() }
    }

    /// Sends a line of the program itself, with its newline.
    func command(_ line: String) {
        connection?.send(line)
    }

    /// Tells the server that the user leaves, sends what waits, and ends.
    func leave() {
        if isLeaving { return }
        switch (state, isChat) {
        case (.ready, true): connection?.send("/quit\n")
        case (.ready, _): if let word = configuration.quitWord { connection?.send("\(word)\n") }
        default: break
        }
        finish()
    }

    /// Sends what waits, and ends, without a word to the server.
    func finish() {
        if isLeaving { return }
        isLeaving = true
        leavingTime = .now
        reconnectTimer.cancel()
        dialer?.cancel()
        guard let connection else { return end(.finished) }
        // A server that speaks TLS says so when it has read a plain line, or closes the connection. To one that is finishing nothing is said any
        // more, and the message would count as sent.
        if configuration.needsEnd, configuration.trust == nil, server == .lines, !hasHeard {
            loop.schedule(after: Self.refusalTime) { [weak self] in self?.connection?.finish() }
        } else {
            connection.finish()
        }
    }

    /// Ends, since all has taken too long.
    func timeOut() {
        end(connection != nil && !hasHeard && configuration.trust == nil ? .silentlyTimedOut : .timedOut)
    }

    /// Ends at once.
    func end(_ outcome: Outcome) {
        if case .ended = state { return }
        state = .ended
        for timer in [greetingTimer, idleTimer, nameTimer, reconnectTimer] { timer.cancel() }
        dialer?.cancel()
        connection?.close()
        delegate?.sessionDidEnd(outcome)
    }

    // MARK: - Connecting

    private func dial(_ addresses: [SocketAddress]) {
        state = .connecting
        delegate?.sessionDidChangeState()
        var options = Connection.Options()
        options.lingerTimeout = configuration.lingerTime
        options.transport = configuration.trust?.transport
        options.handshakeTimeout = configuration.connectTimeout
        // Otherwise it takes a quarter of an hour to notice that the network is gone, for one who has just said something.
        if configuration.reconnects { options.unacknowledgedTimeout = .seconds(30) }
        dialer = Dialer(
            to: addresses, on: loop, timeout: configuration.connectTimeout, options: options, handler: FromServer(session: self)
        ) { [weak self] connection, failures in
            if let connection { self?.didConnect(connection) } else { self?.couldNotConnect(failures) }
        }
    }

    /// Looks the server up again, on a thread, since that may take long: it may have moved.
    private func resolve() {
        let (endpoint, remote) = (configuration.endpoint, loop.remote)
        let box = SessionReference(self)
        Task.detached {
            // A name that is not found now may be found later.
            let addresses = try? endpoint.resolve()
            remote.execute { _ in
                guard let session = box.session, case .waiting = session.state else { return }
                if let addresses { session.dial(addresses) } else { session.waitToReconnect() }
            }
        }
    }

    private func didConnect(_ connection: Connection) {
        self.connection = connection
        dialer = nil
        let note: String?
        do throws(Failure) {
            note = try configuration.trust?.didConnect()
        } catch {
            return end(.failed(error))
        }
        state = .greeting
        server = .unknown
        splitter = LineSplitter()
        lastLine = LastLine()
        isPaused = false
        (hasReceivedLine, hasWaitedForWelcome, heldLine, readyTime) = (false, false, nil, nil)
        isReconnected = hasBeenConnected
        greetingTimer.arm(after: isReconnected ? max(configuration.greetingTime, .seconds(1)) : configuration.greetingTime)
        delegate?.sessionDidChangeState()
        if let note { delegate?.session(didNote: note) }
    }

    private func couldNotConnect(_ failures: [Dialer.Failure]) {
        dialer = nil
        // A server that is not trusted any more will not be in a minute.
        if let outcome = configuration.trust?.outcome(of: failures) { return end(outcome) }
        if !hasBeenConnected { return end(.couldNotConnect(failures)) }
        if isLeaving { return end(.finished) }
        waitToReconnect()
    }

    private func waitToReconnect() {
        let delay = delay.next(using: &generator)
        state = .waiting
        reconnectTimer.arm(after: delay)
        delegate?.sessionDidChangeState()
    }

    private func connectionDidClose(_ reason: CloseReason) {
        let isAlertOfTLS = configuration.trust == nil && lastLine.isAlertOfTLS
        if splitter.isUnfinished, !isAlertOfTLS { splitter.finishLine { deliver($0, endsLine: $1) } }
        connection = nil
        for timer in [greetingTimer, idleTimer, nameTimer] { timer.cancel() }
        if case .ended = state { return }
        if isAlertOfTLS { return end(.speaksTLS) }
        // With TLS 1.3, a server says what it thinks of the client's certificate when the handshake is over for the client.
        if lastLine.isEmpty, let words = configuration.trust?.refusal(reason) { return end(.refused(words)) }
        let isSilent = !hasHeard && configuration.trust == nil && !isReconnected
        // What waited for the server may be lost if it has gone first.
        if isLeaving {
            // One that speaks lines has everything if it has read to the end, and closes its side.
            let isInDoubt = configuration.needsEnd && !isChat && leavingTime.duration(to: .now) >= configuration.lingerTime
            let reason = isInDoubt ? .failed(Errno(rawValue: ETIMEDOUT)) : reason
            if reason == .requested { return end(.finished) }
            return end(isSilent && !isInDoubt ? .silentlyGone(reason) : .serverGone(reason, explanation: nil))
        }
        let explanation = lastLine.explanation
        delegate?.sessionDidPause()
        if case .refusal(let words) = explanation, !hasBeenConnected { return end(.refused(words)) }
        guard configuration.reconnects, hasBeenConnected, explanation?.isFinal != true else {
            return end(isSilent ? .silentlyGone(reason) : .serverGone(reason, explanation: explanation?.words))
        }
        // A server that lets everybody in, and out again at once, is asked at longer and longer intervals.
        if let readyTime, readyTime.duration(to: .now) >= Self.standingTime { delay.reset() }
        var sentence = explanation?.words ?? (reason == .endOfInput ? "the server has closed the connection" : "\(reason)")
        if isSilent { sentence += ", without a word; if it speaks TLS, use --tls" }
        if case .ready = state { delegate?.session(didNote: "connection lost: \(sentence)") }
        waitToReconnect()
    }

    // MARK: - Receiving

    private func receive(_ chunks: borrowing MessageBatch) {
        hasHeard = true
        chunks.forEach { chunk in
            lastLine.receive(chunk)
            splitter.receive(chunk) { deliver($0, endsLine: $1) }
        }
        delegate?.sessionDidPause()
        if delegate?.isFull == true, !isPaused {
            isPaused = true
            connection?.pauseReading()
        }
        watchForPause()
    }

    /// Waits for a pause of the server within a line. It is none if the client itself does not read; and before it is known who the
    /// server is, the line may become the one that says so.
    private func watchForPause() {
        if splitter.isUnfinished, server == .lines, !isPaused { idleTimer.arm(after: Self.idleTime) } else { idleTimer.cancel() }
    }

    /// Goes on to read, once what has come is shown.
    func resumeReading() {
        if !isPaused { return }
        isPaused = false
        connection?.resumeReading()
        watchForPause()
    }

    private func greetingDidEnd() {
        if server == .chat { return becomeReady() }
        takeForLines()
        serverDidPause()
    }

    private func serverDidPause() {
        // A slow network may bring the first line of a chat in two pieces.
        if !hasReceivedLine, !hasWaitedForWelcome, splitter.hasBegun(with: ChatState.welcomeBeginning) {
            hasWaitedForWelcome = true
            return idleTimer.arm(after: .seconds(1))
        }
        guard configuration.showsUnfinishedLines || !splitter.hasSeenNewline else { return }
        splitter.pause { deliver($0, endsLine: $1) }
        delegate?.sessionDidPause()
    }

    private func deliver(_ line: Span<UInt8>, endsLine: Bool) {
        // What came together with the line that has ended it.
        if case .ended = state { return }
        defer { hasReceivedLine = true }
        if server != .chat, !hasReceivedLine, endsLine, ChatState.isWelcome(line) {
            server = .chat
            splitter.maximumPieceLength = LineSplitter.longestObject
            greetingTimer.arm(after: Self.answerTime)
            beginChat()
        } else if server == .unknown {
            if !hasReceivedLine, endsLine, line.count > 1, line[0] == UInt8(ascii: "!"), line[1] == UInt8(ascii: " ") {
                return heldLine = line.indices.map { line[$0] }
            }
            takeForLines()
        }
        if server == .chat { return deliverToChat(line, endsLine: endsLine) }
        delegate?.session(didReceive: line, endsLine: endsLine, isPrelude: false)
    }

    /// The server has not said that it is a chat.
    private func takeForLines() {
        guard server == .unknown else { return }
        server = .lines
        becomeReady()
        guard let line = heldLine else { return }
        heldLine = nil
        delegate?.session(didReceive: line.span, endsLine: true, isPrelude: false)
    }

    /// It is known to whom is spoken.
    func becomeReady() {
        greetingTimer.cancel()
        if readyTime == nil { readyTime = .now }
        if isReconnected, !isReady { delegate?.session(didNote: "connected again") }
        state = .ready
        hasBeenConnected = true
        if !isChat { noteUnconfirmed() }
        delegate?.sessionDidChangeState()
    }

    private final class FromServer: ConnectionHandler {
        weak let session: Session?

        init(session: Session) {
            self.session = session
        }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            session?.receive(messages)
        }

        func connectionDidDrain(_ connection: Connection) {
            session?.delegate?.sessionDidDrain()
        }

        func connectionDidClose(_ connection: Connection, reason: CloseReason) {
            session?.connectionDidClose(reason)
        }
    }
}

/// The session for a thread that must not touch it, and only takes it back to the loop.
private struct SessionReference: @unchecked Sendable {
    weak var session: Session?

    init(_ session: Session) {
        self.session = session
    }
}
