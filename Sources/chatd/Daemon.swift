import ChatReactor
import CommandLineSupport
import Glibc
import Logging

/// A running chatd: the server, its console, its log and its end.
final class Daemon {
    private let options: Chatd
    private let loop: EventLoop
    private let server: ChatServer
    private let log: ServerLog
    private var console: Console?
    /// What the operator may do in a chat.
    private lazy var operatorCommands = server.chat.map { chat in
        let readMessageOfTheDay = options.chatOptions.motd.map { path in { try MessageOfTheDay.read(path) } }
        return OperatorCommands(for: chat, readMessageOfTheDay: readMessageOfTheDay) { [weak self] in self?.stop() }
    }
    private var control: ControlSocket?
    private var isStopping = false

    init(_ options: Chatd) throws {
        self.options = options
        Self.raiseDescriptorLimit()
        // Without this, these signals would end or stop the process. The system calls report the same: EPIPE for a pipe without a
        // reader, EIO for a terminal that another job has, EFBIG for a file that would be too large.
        for number in [SIGPIPE, SIGTTIN, SIGTTOU, SIGXFSZ] { signal(number, SIG_IGN) }
        let configuration = try options.serverConfiguration()
        do throws(Errno) {
            loop = try EventLoop()
        } catch {
            throw Failure("cannot start: \(error)", code: EX_OSERR)
        }
        do throws(ChatServer.StartError) {
            server = try ChatServer(on: loop, configuration: configuration)
        } catch {
            switch error {
            case .roomLog(let error): throw Failure("\(error)", code: error.exitCode)
            default: throw Failure("cannot start: \(error)", code: EX_OSERR)
            }
        }
        log = ServerLog(level: options.logLevel.value)
        if let lobby = server.chat?.lobby { log.didOpen(lobby) }
        server.chat?.bans = try options.chatOptions.readBans()
        server.addObserver(log)
    }

    func run() throws {
        // However this ends, no path of a Unix-domain socket stays behind.
        defer { loop.close() }
        // Looking up a name may take long. Signals are not watched yet, so Ctrl-C ends the process at once.
        let places = try ListeningPlaces(options.clientPlaces)
        let metricsPlaces = try options.metrics.map { place in try ListeningPlaces([place]) }
        do throws(Errno) {
            // Before the daemon says that it listens: a signal that is sent right after that must end it in order.
            try loop.watchSignals([SIGTERM, SIGINT]) { [unowned self] _ in stop() }
        } catch {
            throw Failure("cannot start: \(error)", code: EX_OSERR)
        }
        console = try Console(
            server: server, commands: operatorCommands, readsInput: options.console ?? (isatty(STDIN_FILENO) == 1),
            printsMessages: options.print ?? (isatty(STDOUT_FILENO) == 1), onWarning: say)
        // Not before the console is there: a daemon that has said where it listens must not end because of a stream.
        try openControl()
        let metricsListeners = try metricsPlaces.map(serveMetrics) ?? []
        let listeners = try places.listen { address, permissions throws(Errno) in
            try server.listen(on: address, permissions: permissions)
        }
        for listener in listeners { say("listening on \(listener.address)") }
        for listener in metricsListeners { say("listening on http://\(listener.address)/metrics") }
        if places.areReachedFromOutside, options.accessOptions.isUnlimited {
            say("anybody who can reach it can take all of its connections: see --max-per-address, --connect-rate and --allow")
        }
        ServiceManager.notify("READY=1")
        do throws(Errno) {
            try loop.run()
        } catch {
            throw Failure("cannot go on: \(error)", code: EX_OSERR)
        }
    }

    private func serveMetrics(at places: ListeningPlaces) throws(Failure) -> [Listener] {
        let metrics = MetricsServer(of: server) { [unowned self] in isStopping }
        return try places.listen { address, permissions throws(Errno) in
            try metrics.listen(on: address, permissions: permissions)
        }
    }

    private func openControl() throws(Failure) {
        guard let path = options.chatOptions.control?.path, let operatorCommands else { return }
        do throws(Errno) {
            control = try ControlSocket(at: path, commands: operatorCommands, on: loop)
        } catch {
            let code = error == .permissionDenied ? EX_NOPERM : EX_UNAVAILABLE
            throw Failure("cannot take commands at \(path): \(error)", code: code)
        }
    }

    /// The first time, ends when everything is sent and printed; the second time, at once.
    private func stop() {
        if isStopping { exit(EX_OK) }
        isStopping = true
        ServiceManager.notify("STOPPING=1")
        control?.close()
        let timeout = options.drainTimeout.duration
        var unfinished = 2
        let didFinish = { [loop] in
            unfinished -= 1
            if unfinished == 0 { loop.stop() }
        }
        // Clients say nothing more from here on, so what the console has to print is complete.
        server.shutDown(timeout: timeout, then: didFinish)
        if let console { console.finish(timeout: timeout, then: didFinish) } else { didFinish() }
    }

    private func say(_ sentence: String) {
        writeLineToStandardError("chatd: \(sentence)")
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
