import Broadcast
public import Reactor
import ReactorWeb

/// A line relay: what one client sends reaches every other client. With ``Configuration/chat`` it has people in it, with names,
/// rooms and a history. The daemon `chatd` is this, with arguments, a console and a log.
///
/// ```swift
/// let loop = try EventLoop()
/// let server = try ChatServer(on: loop)
/// for address in try Endpoint("localhost:3001").resolve() { try server.listen(on: address) }
/// try loop.run()
/// ```
///
/// The server accepts connections and makes a ``Client`` of each. Clients talk in a ``Room``.
///
/// It belongs to its loop's thread; another thread reaches it through the loop's `remote`. It lives as long as it listens
/// somewhere or has clients, even if nothing else refers to it.
public final class ChatServer {
    /// The loop that the server and its clients belong to.
    public let loop: EventLoop
    /// The configuration, clamped.
    public let configuration: Configuration
    /// The room that clients enter first: the only one of a relay, and the lobby of a chat.
    public let room: Room
    /// The people, the rooms and the hooks of a chat; nil in a relay.
    public let chat: Chat?
    /// How many clients are connected.
    public private(set) var clientCount = 0
    /// What is counted as it comes: see `counts`.
    var tally = Counts()

    /// The line with which a client leaves; nil if there is none. At first it is that of the configuration.
    public var quitWord: String? {
        didSet {
            quitMessages = Self.quitMessages(for: quitWord, framing: configuration.framing)
            chat?.quitWord = quitWord.map { Array($0.utf8) }
        }
    }
    /// What a client may send to leave. A chunk is what one read brings, so a typed newline is a part of it.
    private(set) var quitMessages: [[UInt8]]
    let gate: SharedGate
    /// The group that the server is one of; nil if it is on its own.
    public let group: ServerGroup?
    /// Which of its group's it is.
    let number: Int
    private var clientOptions: OptionsByOrigin
    private var observers: [any ChatServerObserver] = []
    /// Those of the observers who want events.
    private var eventObservers: [any ChatServerObserver] = []
    var makesEvents: Bool { !eventObservers.isEmpty }
    /// Those that not all observers have been told yet.
    private var newEvents: [Event] = []
    private var isTellingEvents = false
    private var listeners: [Listener] = []
    /// Set while there are clients. They know the server, and do not keep it.
    private var selfWhileServing: ChatServer?
    var shuttingDown = ShuttingDown()
    private var limitTimer: EventLoop.Timer?

    /// A server that does not listen yet.
    ///
    /// - Throws: ``StartError/system(_:)`` with `Errno.noMemory` for a log that there is no memory for, and with what else the
    ///   kernel says;
    ///   ``StartError/roomLog(_:)`` if the lobby's log cannot be had in its directory.
    ///
    /// The corresponding C functions are `memfd_create` and `mmap`.
    public init(on loop: EventLoop, configuration: Configuration = Configuration()) throws(StartError) {
        let configuration = configuration.clamped
        self.loop = loop
        gate = SharedGate(Gate(configuration.access, reserve: configuration.reservedDescriptorCount))
        (group, number) = (nil, 0)
        self.configuration = configuration
        clientOptions = OptionsByOrigin(configuration)
        quitWord = configuration.quitWord
        quitMessages = Self.quitMessages(for: configuration.quitWord, framing: configuration.framing)
        if let chat = configuration.chat {
            let chat = try Chat(on: loop, chat, settings: configuration)
            self.chat = chat
            room = chat.lobby
            chat.server = self
        } else {
            chat = nil
            do throws(Errno) {
                room = Room(try Relay(on: loop, configuration))
            } catch {
                throw .system(error)
            }
        }
        room.server = self
    }

    /// A server of a group, whose clients are on this loop. It does not listen yet: see ``listen(on:permissions:transport:)``. It lives until it is
    /// shut down, or the loop is closed.
    ///
    /// - Throws: ``StartError/system(_:)`` with `Errno.noMemory` if the log, that of the group or its own, is more than the loop may reserve.
    public init(on loop: EventLoop, in group: ServerGroup) throws(StartError) {
        self.loop = loop
        self.group = group
        gate = group.gate
        number = group.nextNumber()
        configuration = group.configuration
        clientOptions = OptionsByOrigin(configuration)
        quitWord = configuration.quitWord
        quitMessages = Self.quitMessages(for: configuration.quitWord, framing: configuration.framing)
        if let chat = configuration.chat {
            let chat = try Chat(on: loop, chat, settings: configuration, sharedRates: group.attemptRates)
            self.chat = chat
            room = chat.lobby
            chat.server = self
            if case .order(let order) = group.medium { _ = SharedOrder.Member(of: chat, in: order) }
        } else {
            chat = nil
            var shared: SharedLog?
            if case .log(let log) = group.medium { shared = log }
            do throws(Errno) {
                room = Room(try Relay(on: loop, configuration, sharing: shared, reservesMemory: number == 0))
            } catch {
                throw .system(error)
            }
        }
        room.server = self
        group.add(self, number: number)
        // It is there for others to pass clients to.
        loop.addEndObserver(self)
    }

    deinit { group?.remove(number: number) }

    /// Why a server cannot be made.
    @nonexhaustive
    public enum StartError: Error, Hashable, CustomStringConvertible {
        /// The kernel has refused something.
        case system(Errno)
        /// The log of the lobby cannot be had.
        case roomLog(RoomLogError)
        /// A chat on several loops has no files of rooms.
        case roomLogsInGroup

        public var description: String {
            switch self {
            case .system(let error): "\(error)"
            case .roomLog(let error): "\(error)"
            case .roomLogsInGroup: "a chat on several loops has no files of rooms"
            }
        }
    }

    private static func quitMessages(for word: String?, framing: any Framing) -> [[UInt8]] {
        let ends = framing is ChunkFraming ? ["", "\n", "\r\n"] : [""]
        return word.map { word in ends.map { Array((word + $0).utf8) } } ?? []
    }

    /// The clients, in no particular order.
    ///
    /// - Complexity: O(*n*) for *n* connections of the loop.
    public var clients: [Client] {
        loop.connections.compactMap { $0.handler as? Client }.filter { $0.server === self }
    }

    // MARK: - Observers

    /// Has an observer told what happens from now on, after those that were added before. The server keeps it.
    public func addObserver(_ observer: any ChatServerObserver) {
        observers.append(observer)
        if observer.wantsEvents { eventObservers.append(observer) }
    }

    /// Takes an observer back. Does nothing if it was not added.
    ///
    /// - Complexity: O(*n*) for *n* observers.
    public func removeObserver(_ observer: any ChatServerObserver) {
        var others = observers.filter { $0 !== observer }
        var eventOthers = eventObservers.filter { $0 !== observer }
        // Exchanged, so that the observer is released after the access: its deinit may call this server.
        swap(&others, &observers)
        swap(&eventOthers, &eventObservers)
    }

    // MARK: - Listening

    /// Accepts clients at an address, until `shutDown`. `Listener.address` knows the port that was bound.
    ///
    /// May be called for several addresses: all of their clients are in one room. The server tells a caller why in one line, and closes
    /// it, if ``access`` does not let it in, or if its address is banned from the chat. Such a caller never is a client.
    ///
    /// - Parameters:
    ///   - address: Where.
    ///   - permissions: Who may connect to a path. An IP address has none.
    ///   - transport: What the clients' bytes pass through, such as TLS; nil for plain bytes. A caller that is refused is then told
    ///     nothing: its connection ends before a handshake.
    /// - Throws: What `EventLoop.listen` throws, and `Errno.canceled` once `shutDown` was called.
    @discardableResult
    public func listen(
        on address: SocketAddress, permissions: UnixPermissions = .init(), transport: TransportFactory? = nil
    ) throws(Errno) -> Listener {
        if isShuttingDown { throw .canceled }
        // The listener keeps the server, and lets go of it when it is closed.
        let listener = try loop.listen(on: address, permissions: permissions) { socket, caller throws(Errno) in
            try self.accept(socket, from: caller, over: transport)
        }
        return serve(listener, over: transport)
    }

    /// Accepts clients at a socket that listens already: see `EventLoop.listen(adopting:options:makeHandler:)`.
    ///
    /// - Throws: What that throws, and `Errno.canceled` once `shutDown` was called.
    @discardableResult
    public func listen(
        adopting socket: consuming OwnedDescriptor, transport: TransportFactory? = nil
    ) throws(Errno) -> Listener {
        if isShuttingDown { throw .canceled }
        let listener = try loop.listen(adopting: socket) { socket, caller throws(Errno) in
            try self.accept(socket, from: caller, over: transport)
        }
        return serve(listener, over: transport)
    }

    /// Serves a caller; in a group, passes one that gets in to the next server. A proxy's is judged there, once it has said for whom it calls.
    private func accept(
        _ socket: consuming OwnedDescriptor, from caller: SocketAddress, over transport: TransportFactory?
    ) throws(Errno) {
        guard let group else { return try serve(socket, from: caller, nil, as: .lines, over: transport) }
        var pending: PendingHandshake?
        if !gate.isProxy(caller) {
            switch admit(caller) {
            case .admitted(let handshake): pending = handshake
            case .refused(let refusal): return socket.reject(with: transport == nil ? "! \(refusal)\n" : "")
            }
        }
        try group.pass(socket, from: caller, pending, as: .lines, over: transport, by: self)
    }

    /// Decides about a caller of a group, and counts it in the same step: another loop may decide at the same time.
    private func admit(_ caller: SocketAddress) -> SharedGate.Admission {
        let admission = gate.admit(caller, bans: chat?.bans)
        if case .refused(let refusal) = admission { didRefuse(caller, because: refusal) }
        return admission
    }

    /// Serves a caller that another server of the group has accepted, or this one.
    func serve(
        _ socket: consuming OwnedDescriptor, from caller: SocketAddress, _ pending: PendingHandshake?,
        as spoken: ServerGroup.Spoken, over transport: TransportFactory?
    ) throws(Errno) {
        if isShuttingDown { return }
        let admission: EventLoop.Admission
        if case .web(let configuration) = spoken {
            admission = judge(caller, as: configuration)
        } else if let pending {
            let client = makeClient(form: .text)
            client.wasAdmitted(pending)
            if transport != nil { client.beginsHandshake(from: caller) }
            admission = .admit(client, options(for: caller, by: nil, as: .lines))
        } else {
            admission = judge(caller, over: transport)
        }
        try loop.serve(socket, as: admission, over: transport)
    }

    private func serve(_ listener: Listener, over transport: TransportFactory?) -> Listener {
        serve(listener, rejecting: transport == nil ? "! \(AccessRefusal.full)\n" : "")
    }

    /// - Parameter message: What callers are told who cannot be served for lack of descriptors.
    func serve(_ listener: Listener, rejecting message: String) -> Listener {
        listener.rejectionMessage = message
        let boundAddress = listener.address
        listener.onAcceptFailure = { [weak self] error in
            guard let self else { return }
            tally.acceptFailures &+= 1
            tell(observers) { observer in observer.server(self, cannotAcceptAt: boundAddress, error: error) }
        }
        listeners.append(listener)
        return listener
    }

    func closeListeners() {
        let closing = listeners
        listeners = []
        for listener in closing { listener.close() }
    }

    private func judge(_ caller: SocketAddress, over transport: TransportFactory?) -> EventLoop.Admission {
        judge(caller, over: transport) { server, caller, proxy in
            server.admission(of: caller, by: proxy, as: .lines, client: server.makeClient(form: .text)) { "! \($0)\n" }
        }
    }

    /// Decides about a caller, or about whom it names if it is a proxy.
    ///
    /// - Parameter admission: Decides about somebody, and is told by which proxy it comes.
    func judge(
        _ caller: SocketAddress, over transport: TransportFactory?,
        admission: @escaping (ChatServer, _ caller: SocketAddress, _ proxy: SocketAddress?) -> EventLoop.Admission
    ) -> EventLoop.Admission {
        if let proxied = proxyAdmission(of: caller, judge: { admission($0, $1, caller) }) { return proxied }
        let decision = admission(self, caller, nil)
        if transport != nil, case .admit(let handler, _) = decision { (handler as? Client)?.beginsHandshake(from: caller) }
        return decision
    }

    /// Lets a proxy in that has to say by the PROXY protocol for whom it calls; nil for any other caller.
    ///
    /// - Parameter judge: Decides about whom it names.
    func proxyAdmission(
        of caller: SocketAddress, judge: @escaping (ChatServer, SocketAddress) -> EventLoop.Admission
    ) -> EventLoop.Admission? {
        guard gate.isProxy(caller) else { return nil }
        let proxied = ProxiedCaller(of: self, by: caller) { [weak self] named in
            self.map { judge($0, named) } ?? .reject("")
        }
        return .admit(proxied, ProxiedCaller.connectionOptions)
    }

    /// Whether a caller says in the heads of its requests for whom it calls. At a path it always is a proxy: no browser connects to one.
    func isWebProxy(_ caller: SocketAddress) -> Bool { gate.isWebProxy(caller) || caller.port == nil }

    /// Whether somebody gets in.
    ///
    /// - Parameters:
    ///   - caller: From where.
    ///   - proxy: The address of the proxy that has said so. If it is the same, the proxy has not said who it is.
    ///   - input: What it sends.
    ///   - client: Who it is, made if it gets in.
    ///   - message: What it is told if it does not.
    func admission(
        of caller: SocketAddress, by proxy: SocketAddress?, as input: OptionsByOrigin.Input,
        client: @autoclosure () -> any Client & ConnectionHandler, rejecting message: (AccessRefusal) -> String
    ) -> EventLoop.Admission {
        var pending: PendingHandshake?
        if group == nil {
            // Nobody decides meanwhile, and a client need not have what `admit` gives it.
            if let refusal = refusal(of: caller) { return .reject(message(refusal)) }
        } else {
            switch admit(caller) {
            case .admitted(let handshake): pending = handshake
            case .refused(let refusal): return .reject(message(refusal))
            }
        }
        let client = client()
        if let pending { client.wasAdmitted(pending) }
        if let proxy { client.comesByProxy(from: caller, by: proxy) }
        return .admit(client, options(for: caller, by: proxy, as: input))
    }

    /// Why somebody does not get in, or nil; then that is counted as its having connected.
    func refusal(of caller: SocketAddress) -> AccessRefusal? {
        let refusal = gate.refusal(of: caller, bans: chat?.bans)
        if let refusal { didRefuse(caller, because: refusal) }
        return refusal
    }

    /// Why somebody that was let in a while ago may not come any more.
    func exclusion(of caller: SocketAddress) -> AccessRefusal? {
        let exclusion = gate.exclusion(of: caller, bans: chat?.bans)
        if let exclusion { didRefuse(caller, because: exclusion) }
        return exclusion
    }

    /// Makes who is at the other end of a connection. In a relay the form says nothing.
    func makeClient(form: WireForm) -> any Client & ConnectionHandler {
        chat?.makePerson(form: form) ?? RelayClient(of: self)
    }

    /// The options of a client's connection.
    func options(for caller: SocketAddress, by proxy: SocketAddress?, as input: OptionsByOrigin.Input) -> Connection.SharedOptions
    {
        let isFromElsewhere = proxy.map { !Client.isFromHere(caller, by: $0) } ?? false
        return clientOptions[isFromElsewhere ? nil : caller, input]
    }

    func handshakeDidFail(from caller: SocketAddress?, reason: CloseReason) {
        tally.failedHandshakes &+= 1
        tell(observers) { observer in observer.server(self, handshakeDidFailFrom: caller, reason: reason) }
    }

    func didRefuse(_ caller: SocketAddress, because refusal: AccessRefusal) {
        tally.refusals[refusal.kind, default: 0] &+= 1
        tell(observers) { observer in observer.server(self, didRefuse: caller, because: refusal) }
    }

    /// Says one line, given without its newline, to every client: in a chat to every room, as a notice.
    ///
    /// - Returns: Whether it was published everywhere: with its newline it must not be longer than a quarter of a room's log.
    @discardableResult
    public func announce(_ line: String) -> Bool {
        chat?.announce(line) ?? room.announce(line)
    }

    // MARK: - Who may come in

    /// Who may come in, how many at a time, and how often: at first what the configuration says, clamped. New rules are about callers from
    /// then on, and close nobody.
    ///
    /// - Complexity: O(1) to read. To set a limit for each address where there was none is O(*n*) for *n* connections of the loop.
    public var access: AccessRules {
        get { gate.rules }
        set {
            guard gate.setRules(newValue) else { return }
            enterClients()
            group?.executeOnOthers(than: number) { $0.enterClients() }
        }
    }

    /// Counts the clients that are there by their addresses.
    private func enterClients() {
        for client in clients { gate.enter(key(of: client), from: client.address ?? .unix(path: "")) }
    }

    private func key(of client: Client) -> Gate.ClientKey { .init(server: number, id: client.id) }

    /// What limits the clients that come from elsewhere: at first what the configuration says. Another limit holds from the end of the turn on, also
    /// for those who are connected.
    ///
    /// - Complexity: O(1) to read. To set is O(*n*) for *n* connections of the loop.
    public var limits: ClientLimits {
        get { clientOptions.remoteLimits }
        set {
            clientOptions.remoteLimits = newValue
            scheduleLimiting()
        }
    }

    /// What limits the clients of this machine: at first what the configuration says. It is set as ``limits`` are.
    public var localLimits: ClientLimits {
        get { clientOptions.localLimits }
        set {
            clientOptions.localLimits = newValue
            scheduleLimiting()
        }
    }

    /// Not at once: a client may be just giving the line by which this is called, and its options must not change amid the lines of a read.
    private func scheduleLimiting() {
        let timer = limitTimer ?? loop.makeTimer { [weak self] in self?.limitClients() }
        limitTimer = timer
        timer.arm(after: .zero)
    }

    private func limitClients() {
        for client in clients {
            guard let connection = client.connection, let address = client.address else { continue }
            let input: OptionsByOrigin.Input = client is IRCClient ? .irc : connection.isWebSocket ? .frames : .lines
            connection.setOptions(clientOptions[address, input])
        }
    }

    // MARK: - What clients report

    /// Tells observers. In a chat of several servers, what one of them does is no part of what is just being done at all of them.
    private func tell(_ observers: [any ChatServerObserver], _ call: (any ChatServerObserver) -> Void) {
        guard let replica = chat?.replica else { return observers.forEach(call) }
        replica.callOut { observers.forEach(call) }
    }

    func clientDidJoin(_ client: Client, after handshake: PendingHandshake?) {
        clientCount += 1
        tally.acceptedClients &+= 1
        selfWhileServing = self
        // To ask for the address is a system call, which is made only if it matters.
        gate.clientDidJoin(key(of: client), from: gate.countsOrigins ? client.address : nil, after: handshake)
        tell(observers) { observer in observer.server(self, didAccept: client) }
    }

    func didLogIn(_ person: Person) {
        tally.logins &+= 1
        tell(observers) { observer in observer.server(self, didLogIn: person) }
    }

    func didRefuseLogin(of person: Person, as name: ChatName, because refusal: LoginRefusal) {
        tally.refusedLogins[refusal, default: 0] &+= 1
        tell(observers) { observer in observer.server(self, didRefuseLoginOf: person, as: name, because: refusal) }
    }

    func didRelay(_ messages: borrowing MessageBatch, in range: Range<Int>, from client: Client) {
        for observer in observers { observer.server(self, didRelay: messages, in: range, from: client) }
    }

    /// Tells the observers. One of them may do what makes the next event: all of them have been told of this one by then.
    func didPublish(_ event: Event) {
        newEvents.append(event)
        if isTellingEvents { return }
        isTellingEvents = true
        while !newEvents.isEmpty {
            var events: [Event] = []
            swap(&events, &newEvents)
            for event in events {
                tell(eventObservers) { observer in observer.server(self, didPublish: event) }
            }
        }
        isTellingEvents = false
    }

    func didOpen(_ room: Room) {
        tell(observers) { observer in observer.server(self, didOpen: room) }
    }

    func cannotOpen(_ name: ChatName, _ error: RoomLogError) {
        tell(observers) { observer in observer.server(self, cannotOpenRoom: name, error: error) }
    }

    func cannotKeepBans(_ error: BanListError) {
        tell(observers) { observer in observer.server(self, cannotKeepBans: error) }
    }

    func clientDidLeave(_ client: Client, reason: CloseReason) {
        clientCount -= 1
        gate.clientDidLeave(key(of: client))
        tally.closedClients[reason.kind, default: 0] &+= 1
        tell(observers) { observer in observer.server(self, didClose: client, reason: reason) }
        if clientCount > 0 { return }
        // Released at the end of this function, and not in an access to the property: this may be the last reference.
        let lastReference = selfWhileServing.take()
        completeShutDownIfEmpty()
        withExtendedLifetime(lastReference) {}
    }
}
