import ArgumentParser
import ChatCommandLine
import ChatReactor
import ChatdPasswords
import Glibc
import Logging

/// A running chatd: the server, its console, its log and its end.
final class Daemon {
    /// What the daemon was started with: what is not live stays so.
    private let started: Settings
    private var settings: Settings
    var options: Chatd { settings.options }
    private let loop: EventLoop
    let server: ChatServer
    /// Nil if there is one loop alone.
    let workers: WorkerLoops?
    let output: LogOutput
    let log: ServerLog
    /// How long an orderly end may take.
    var drainTimeout: Duration
    private(set) var console: Console?
    /// What the operator may do in a chat.
    private lazy var operatorCommands = server.chat.map { chat in
        // Another reading of the configuration may have it name a file.
        let readMessageOfTheDay = { [weak self] () throws -> [String] in
            guard let options = self?.options.chatOptions, options.motd != nil else {
                throw Failure("the message of the day is in no file", code: EX_NOINPUT)
            }
            return try options.readMessageOfTheDay()
        }
        let reload = hasFileToReload ? { [weak self] in try self?.reload() ?? [] } : nil
        return OperatorCommands(for: chat, readMessageOfTheDay: readMessageOfTheDay, reload: reload) { [weak self] in
            self?.stop()
        }
    }
    private(set) var controls: [ControlSocket] = []
    private let passedSockets: PassedSockets
    /// Nil if nobody comes by TLS.
    let certificates: ServerCertificates?
    private let certificateNames = CertificateNames()
    private let ircConfiguration: ChatServer.IRCConfiguration
    /// The threads that judge passwords; nil without a file of passwords.
    private let passwordWorkers: PasswordWorkers?
    /// Those that it may use: asked for before a thread is kept on one of them.
    let processors = Processors.available
    /// The threads that help with sending; nil if the loop's sends alone.
    let sendHelpers: SendHelpers?
    var usesPasswords: Bool { passwordWorkers != nil }
    /// The servers of other machines; nil if it is on its own.
    private let cluster: Cluster?
    /// Nil if none has started the daemon.
    let serviceManager: ServiceManager?
    private var isStopping = false
    /// Whether the right to open files was given up, but for some folders.
    var isSandboxed = false

    init(_ settings: Settings) throws {
        self.settings = settings
        started = settings
        let options = settings.options
        passedSockets = try PassedSockets()
        serviceManager = try ServiceManager()
        certificates = try ServerCertificates(options.tlsOptions)
        drainTimeout = options.drainTimeout.duration
        Self.raiseDescriptorLimit()
        // Without this, these signals would end or stop the process. The system calls report the same: EPIPE for a pipe without a
        // reader, EIO for a terminal that another job has, EFBIG for a file that would be too large.
        for number in [SIGPIPE, SIGTTIN, SIGTTOU, SIGXFSZ] { signal(number, SIG_IGN) }
        var configuration = try options.serverConfiguration()
        let helperCount = options.operation.sendHelperCount
        sendHelpers = helperCount > 0 ? try SendHelpers(helperCount) : nil
        configuration.sendThreads = sendHelpers?.threads
        ircConfiguration = try options.ircOptions.configuration()
        var loopConfiguration = EventLoop.Configuration()
        let loopCount = options.operation.loopCount
        loopConfiguration.memoryLimit = options.operation.memoryLimit.map { $0.value / loopCount }
        do throws(Errno) {
            loop = try EventLoop(configuration: loopConfiguration)
        } catch {
            throw Failure("cannot start: \(error)", code: EX_OSERR)
        }
        cluster = try Cluster(options.clusterOptions)
        var group: ServerGroup?
        do throws(ChatServer.StartError) {
            if loopCount > 1 {
                let made = try ServerGroup(configuration: configuration, isOfCluster: cluster != nil)
                group = made
                server = try ChatServer(on: loop, in: made)
            } else {
                server = try ChatServer(on: loop, configuration: configuration)
            }
        } catch {
            switch error {
            case .roomLog(let error): throw Failure("\(error)", code: error.exitCode)
            case .system(.noMemory) where options.operation.memoryLimit != nil:
                throw Failure("the logs do not fit into --memory-limit", code: EX_CONFIG)
            default: throw Failure("cannot start: \(error)", code: EX_OSERR)
            }
        }
        output = LogOutput(format: options.logFormat)
        log = ServerLog(to: output, level: options.logLevel.value, loop: group == nil ? nil : 0)
        if let group {
            workers = try WorkerLoops(
                loopCount - 1, in: group, configuration: loopConfiguration, logging: output, for: loop.remote,
                level: options.logLevel.value)
        } else {
            workers = nil
        }
        if let lobby = server.chat?.lobby { log.didOpen(lobby) }
        let passwords = try options.loginOptions.readPasswords()
        do throws(Errno) {
            // Now: in the sandbox no thread is started.
            passwordWorkers = passwords == nil ? nil : try PasswordWorkers()
        } catch {
            throw Failure("cannot start: \(error)", code: EX_OSERR)
        }
        try cluster?.add(server, log: log)
        setPasswords(passwords)
        bans = try options.chatOptions.readBans()
        #if TLS
            onEachServer { [certificateNames] server in
                server.chat?.onAdmission { person in certificateNames.admit(person) }
            }
        #endif
        server.addObserver(log)
        let desk = CommandDesk(of: self)
        workers?.onOperatorCommand { [remote = loop.remote] line, answer in
            remote.execute { _ in if let commands = desk.daemon?.operatorCommands { answer(commands.run(line)) } }
        }
        server.chat?.onOperatorCommand { [weak self] person, line in
            guard let self, let operatorCommands else { return OperatorAnswer(.text) }
            log.didGiveCommand(line, person)
            return operatorCommands.run(line)
        }
    }

    /// Where operators on other loops have their commands run.
    ///
    /// `@unchecked Sendable`, since the daemon is asked for on its own loop alone.
    private final class CommandDesk: @unchecked Sendable {
        private(set) weak var daemon: Daemon?

        init(of daemon: Daemon) { self.daemon = daemon }
    }

    func run() throws {
        // However this ends, no path of a Unix-domain socket stays behind.
        defer { loop.close() }
        // Looking up a name may take long. Signals are not watched yet, so Ctrl-C ends the process at once.
        let clientPlaces = options.clientPlaces(besides: passedSockets)
        let places = try ClientProtocol.allCases.map { spoken in
            (spoken, try ListeningPlaces(clientPlaces.filter { $0.spoken == spoken }))
        }
        if server.chat == nil, passedSockets.contains(.clients(.irc)) || passedSockets.contains(.clients(.ircOverTLS)) {
            throw Failure("a socket for IRC was passed, which needs --chat", code: EX_CONFIG)
        }
        let isOfCluster = options.clusterOptions.cluster != nil
        if server.group != nil || isOfCluster {
            let spoken: [ClientProtocol] = server.chat == nil ? [.web, .webOverTLS] : [.irc, .ircOverTLS]
            if spoken.contains(where: { passedSockets.contains(.clients($0)) }) {
                let what = server.chat == nil ? "the web" : "IRC"
                let option = isOfCluster ? "--cluster" : "--loops"
                throw Failure("a socket for \(what) was passed, which does not go with \(option)", code: EX_CONFIG)
            }
        }
        let metricsPlaces = try ListeningPlaces(options.operation.metrics.map { [$0] } ?? [])
        do throws(Errno) {
            // Before the daemon says that it listens: a signal that is sent right after that must end it in order.
            try loop.watchSignals([SIGTERM, SIGINT]) { [unowned self] _ in stop() }
            // Without a file or certificates there is little to read again, and a terminal that is closed ends its jobs. A service manager reloads by this
            // signal, and is no terminal.
            if canReload {
                try loop.watchSignals([SIGHUP]) { [unowned self] _ in reloadAndSay() }
            }
        } catch {
            throw Failure("cannot start: \(error)", code: EX_OSERR)
        }
        let printsMessages = options.print ?? (isatty(STDOUT_FILENO) == 1)
        console = try Console(
            server: server, commands: operatorCommands, readsInput: options.console ?? (isatty(STDIN_FILENO) == 1),
            printsMessages: printsMessages, onWarning: say)
        // In a chat, the console's own server has what happens on all loops.
        if let console, printsMessages, server.chat == nil {
            server.group.map { ForwardingPrinter.print($0, at: console, on: loop) }
        }
        // Not before the console is there: a daemon that has said where it listens must not end because of a stream.
        try openControl()
        output.start(on: loop)
        let metricsListeners = try serveMetrics(at: metricsPlaces)
        try checkCertificates(clientPlaces)
        var listeners: [(spoken: ClientProtocol, listener: Listener)] = []
        for (spoken, places) in places { listeners += try listen(at: places, speaking: spoken).map { (spoken, $0) } }
        // Not before all that may fail has not: the others would wait for who is gone.
        if let cluster { try workers?.join(cluster) }
        if options.operation.pinLoops { pinLoops() }
        let sandbox = enterSandbox()
        for (spoken, listener) in listeners { say("listening on \(spoken.describe(listener.address))") }
        for listener in metricsListeners { say("listening on http://\(listener.address)/metrics") }
        for warning in certificates?.warnings ?? [] { say(warning) }
        if listeners.contains(where: { !$0.listener.address.isOnThisMachine }), options.accessOptions.isUnlimited {
            say("anybody who can reach it can take all of its connections: see --max-per-address, --connect-rate and --allow")
        }
        log.didEnterSandbox(sandbox)
        serviceManager?.start(on: loop)
        serviceManager?.notify("READY=1")
        do throws(Errno) {
            try loop.run()
        } catch {
            throw Failure("cannot go on: \(error)", code: EX_OSERR)
        }
    }

    /// Keeps each loop on a processor of its own. Not before all other threads are there: a thread begins with the processors of
    /// the one that starts it.
    private func pinLoops() {
        workers?.onEach { [processors] index, _ in Processors.pinThread(index + 1, among: processors) }
        Processors.pinThread(0, among: processors)
    }

    /// Whoever gives a certificate means that nobody can read along, and whoever wants TLS needs one.
    private func checkCertificates(_ places: [ListeningPlace]) throws(Failure) {
        let passed = ClientProtocol.allCases.filter { $0.usesTLS && passedSockets.contains(.clients($0)) }
        let isUsed = !passed.isEmpty || places.contains(where: \.spoken.usesTLS)
        if certificates == nil, let first = passed.first {
            let reason = TLSSupport.isBuilt ? "there is no --tls-certificate for it" : TLSSupport.absence
            throw Failure("a socket called '\(first.socketName ?? "")' was passed: \(reason)", code: EX_CONFIG)
        }
        if certificates != nil, !isUsed {
            throw Failure("nobody would come by TLS, for which --tls-certificate is: add --listen tls:HOST:PORT", code: EX_USAGE)
        }
    }

    private func listen(at places: ListeningPlaces, speaking spoken: ClientProtocol) throws(Failure) -> [Listener] {
        let transport = spoken.usesTLS ? certificates?.transport : nil
        // What is to be encrypted is never served in the clear.
        if spoken.usesTLS, transport == nil { return [] }
        let passed = try passedSockets.listen(for: .clients(spoken)) { socket throws(Errno) in
            if spoken.servesWeb { return try server.listenForWeb(adopting: socket, transport: transport) }
            if spoken.servesIRC { return try server.listenForIRC(adopting: socket, ircConfiguration, transport: transport) }
            return try server.listen(adopting: socket, transport: transport)
        }
        return try passed
            + places.listen { address, permissions throws(Errno) in
                if spoken.servesWeb {
                    return try server.listenForWeb(on: address, permissions: permissions, transport: transport)
                }
                if spoken.servesIRC {
                    return try server.listenForIRC(
                        on: address, ircConfiguration, permissions: permissions, transport: transport)
                }
                return try server.listen(on: address, permissions: permissions, transport: transport)
            }
    }

    var servesMetrics: Bool { options.operation.metrics != nil || passedSockets.contains(.metrics) }

    private func serveMetrics(at places: ListeningPlaces) throws(Failure) -> [Listener] {
        if !servesMetrics { return [] }
        let metrics = MetricsServer(of: server, certificates: certificates) { [unowned self] in isStopping }
        let passed = try passedSockets.listen(for: .metrics) { socket throws(Errno) in try metrics.listen(adopting: socket) }
        return try passed
            + places.listen { address, permissions throws(Errno) in
                try metrics.listen(on: address, permissions: permissions)
            }
    }

    private func openControl() throws(Failure) {
        guard let operatorCommands else {
            if !passedSockets.contains(.control) { return }
            throw Failure("a socket called 'control' was passed, and commands need --chat", code: EX_CONFIG)
        }
        _ = try passedSockets.listen(for: .control) { socket throws(Errno) in
            let control = try ControlSocket(adopting: socket, commands: operatorCommands, on: loop)
            controls.append(control)
            return control.listener
        }
        guard let path = options.chatOptions.control?.path else { return }
        do throws(Errno) {
            controls.append(try ControlSocket(at: path, commands: operatorCommands, on: loop))
        } catch {
            let code = error == .permissionDenied ? EX_NOPERM : EX_UNAVAILABLE
            throw Failure("cannot take commands at \(path): \(error)", code: code)
        }
    }

    // MARK: - Reading the configuration again

    var quitWord: String? {
        get { server.quitWord }
        set { onEachServer { $0.quitWord = newValue } }
    }

    /// The limits of clients from elsewhere, and those of this machine's.
    var clientLimits: [ChatServer.ClientLimits] {
        get { [server.limits, server.localLimits] }
        set { onEachServer { ($0.limits, $0.localLimits) = (newValue[0], newValue[1]) } }
    }

    /// Sets a property of the chat, on all loops.
    func setChat<Value: Sendable>(_ property: any ReferenceWritableKeyPath<Chat, Value> & Sendable, to value: Value) {
        onEachServer { $0.chat?[keyPath: property] = value }
    }

    /// Runs `body` for the server of each loop, on that: at once for the daemon's own.
    private func onEachServer(_ body: @escaping @Sendable (ChatServer) -> Void) {
        body(server)
        onOtherServers(body)
    }

    private func onOtherServers(_ body: @escaping @Sendable (ChatServer) -> Void) {
        let home = loop.remote
        server.group?.execute { server in if server.loop.remote !== home { body(server) } }
    }

    /// Those who are kept out. One loop keeps the file; the others have the same list.
    var bans: BanList {
        get { server.chat?.bans ?? BanList() }
        set {
            server.chat?.bans = newValue
            let bans = newValue.all
            onOtherServers { server in
                let list = BanList()
                // Without a file, none is refused.
                for ban in bans { try? list.add(ban) }
                server.chat?.bans = list
                server.chat?.enforceBans()
            }
        }
    }

    var logLevel: Logger.Level {
        get { log.level }
        set {
            log.level = newValue
            workers?.logLevel = newValue
        }
    }

    /// A service manager may reload what has no file.
    var canReload: Bool { hasFileToReload || serviceManager != nil }

    private var hasFileToReload: Bool {
        settings.file != nil || certificates != nil || started.options.loginOptions.passwordFile != nil
    }

    /// Those who can log in.
    var passwords: PasswordFile? { (server.chat?.authenticator as? ProvedNames)?.passwords?.file }

    /// Replaces those who can log in, and closes those who are there by a password that is theirs no more.
    func setPasswords(_ file: PasswordFile?) {
        let (old, isNeeded) = (passwords, file != nil || options.tlsOptions.tlsClientCa != nil)
        onEachServer { [passwordWorkers, certificateNames] server in
            guard let chat = server.chat else { return }
            let passwords = passwordWorkers.flatMap { workers in
                file.map { PasswordAuthenticator($0, workers: workers, on: server.loop) }
            }
            chat.authenticator = isNeeded ? ProvedNames(passwords: passwords, certificates: certificateNames) : nil
            // Of several servers, each looks at its own people.
            for person in chat.people where person.connection != nil && person.isLoggedIn && !certificateNames.prove(person) {
                guard let hash = old?.entries[person.name]?.hash, file?.entries[person.name]?.hash != hash else { continue }
                chat.kick(person, reason: "the password of \(person.name) is another one now")
            }
        }
    }

    /// The file that has options, if there is one.
    var configurationFile: String? { settings.file }

    private func reloadAndSay() {
        do {
            for line in try reload() { say(line) }
        } catch {
            say("the configuration is as before: \(error)")
        }
    }

    /// Applies what can be applied while the daemon runs.
    ///
    /// - Returns: Lines that say what has changed, and what has not yet.
    /// - Throws: If the configuration is bad, or a file that it names. Then nothing has changed.
    private func reload() throws -> [String] {
        if isStopping { throw Failure("chatd is ending", code: EX_TEMPFAIL) }
        serviceManager?.notifyOfReloading()
        defer { serviceManager?.notify("READY=1") }
        let new: Settings
        do { new = try .current() } catch let failure as Failure { throw failure } catch {
            throw Failure(Chatd.message(for: error), code: EX_CONFIG)
        }
        let table = LiveOption.all + (certificates.map { LiveOption.all(of: $0) } ?? [])
        let changes: [([String], () -> Bool)]
        do {
            changes = try table.map { ($0.names, try $0.prepare(self, new.options)) }
        } catch let failure as Failure where failure.code == EX_NOPERM && isSandboxed {
            throw Failure(
                "\(failure); if its folder is another than before, that needs a restart, or --no-sandbox", code: failure.code)
        }
        let changed = changes.filter { $0.1() }.map(\.0)
        let live = Set(table.flatMap(\.names))
        let different = new.differences(from: settings)
        // What is not live stays different from what the daemon runs with, and is said each time.
        let waiting = new.differences(from: started).filter { !live.contains($0) }
        settings = new
        // Certificates for clients may be new: the names in them are to be reserved.
        if server.chat?.authenticator == nil { setPasswords(nil) }
        // Of two options that make one value, the one that is different. If none is, a file that they name is.
        let names = changed.flatMap { names in
            names.contains(where: different.contains) ? names.filter(different.contains) : names
        }
        var lines = names.isEmpty ? ["the configuration was read again; nothing was changed"] : []
        if !names.isEmpty { lines.append("the configuration was read again; changed: \(names.joined(separator: ", "))") }
        if !waiting.isEmpty { lines.append("a restart is needed for: \(waiting.joined(separator: ", "))") }
        return lines + (certificates?.warnings ?? [])
    }

    // MARK: - Ending

    /// The first time, ends when everything is sent and printed; the second time, at once.
    private func stop() {
        if isStopping { exit(EX_OK) }
        isStopping = true
        serviceManager?.notify("STOPPING=1")
        for control in controls { control.close() }
        let timeout = drainTimeout
        var unfinished = 2
        let didFinish = { [loop, output] in
            unfinished -= 1
            if unfinished > 0 { return }
            // Last, since what ends is logged, too.
            output.finish(timeout: .seconds(1)) { loop.stop() }
        }
        // Clients say nothing more from here on, so what the console has to print is complete.
        server.shutDown(timeout: timeout, then: didFinish)
        if let console { console.finish(timeout: timeout, then: didFinish) } else { didFinish() }
    }

    private func say(_ sentence: String) {
        output.say(sentence)
    }

    /// Each client takes a descriptor, and the limit that a shell sets by default is low.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

extension RoomLogError {
    /// The exit code of sysexits.h for a daemon that cannot start because of this.
    fileprivate var exitCode: Int32 {
        switch reason {
        case .notALog, .version, .damagedHead, .length: EX_DATAERR
        case .inUse: EX_UNAVAILABLE
        case .directory(.permissionDenied), .system(_, .permissionDenied): EX_NOPERM
        case .directory, .system: EX_CANTCREAT
        @unknown default: EX_OSERR
        }
    }
}
