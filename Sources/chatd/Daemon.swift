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
    private var isDraining = false

    init(_ options: Chatd) throws {
        self.options = options
        Self.raiseDescriptorLimit()
        // A pipe that has lost its reader says so by EPIPE, and a terminal that belongs to another job by EIO.
        for number in [SIGPIPE, SIGTTIN, SIGTTOU] { signal(number, SIG_IGN) }
        do throws(Errno) {
            loop = try EventLoop()
            server = try ChatServer(on: loop, configuration: options.serverConfiguration)
        } catch {
            throw Failure("cannot start: \(error)", code: EX_OSERR)
        }
        log = ServerLog(level: options.logLevel.value)
        server.addObserver(log)
    }

    func run() throws {
        let places = try places()
        do throws(Errno) {
            // Before anybody is told that the daemon runs: who knows may end it.
            try loop.watchSignals([SIGTERM, SIGINT]) { [unowned self] _ in stop() }
        } catch {
            throw Failure("cannot start: \(error)", code: EX_OSERR)
        }
        do {
            for listener in try places.flatMap(listen) { say("listening on \(listener.address)") }
        } catch {
            // Those that could be had leave no path behind.
            loop.close()
            throw error
        }
        do throws(Errno) {
            _ = try Console(
                of: server, reads: options.console ?? (isatty(0) == 1), prints: options.print ?? (isatty(1) == 1),
                complain: say)
            ServiceManager.notify("READY=1")
            try loop.run()
        } catch {
            throw Failure("cannot go on: \(error)", code: EX_OSERR)
        }
    }

    /// The addresses of each endpoint to listen on. Looking up a name may take long, and can be interrupted: signals are not watched yet.
    private func places() throws -> [[SocketAddress]] {
        let endpoints = options.listen.isEmpty ? [.tcp(host: "localhost", port: options.port)] : options.listen
        do throws(EndpointError) {
            var places: [[SocketAddress]] = []
            for endpoint in endpoints { places.append(try endpoint.resolve()) }
            return places
        } catch {
            throw Failure("\(error)", code: EX_NOHOST)
        }
    }

    /// Listens on all addresses of an endpoint. A host such as localhost may have some that this machine does not serve; one is enough.
    private func listen(on addresses: [SocketAddress]) throws -> [Listener] {
        var failure: Failure?
        var listeners: [Listener] = []
        for address in addresses {
            // Port 0 picks one for all addresses of the host: the first one's.
            let wanted = address.port == 0 ? address.withPort(listeners.first?.address.port ?? 0) : address
            do throws(Errno) {
                listeners.append(try server.listen(on: wanted))
            } catch {
                let code = error == .permissionDenied ? EX_NOPERM : EX_UNAVAILABLE
                let reason = Failure("cannot listen on \(wanted): \(error)", code: code)
                guard error == .addressNotAvailable || error == .addressFamilyNotSupported else { throw reason }
                failure = reason
            }
        }
        if listeners.isEmpty, let failure { throw failure }
        return listeners
    }

    /// The first time, ends when all is flushed; the second time, at once.
    private func stop() {
        if isDraining { exit(EX_OK) }
        isDraining = true
        ServiceManager.notify("STOPPING=1")
        server.shutDown(timeout: options.drainTimeout.duration) { [unowned self] in loop.stop() }
    }

    private func say(_ sentence: String) {
        writeToStandardError("chatd: \(sentence)\n")
    }

    /// Each client takes a descriptor, and the limit that a shell sets by default is low.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
