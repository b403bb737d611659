import ChatReactor
import CommandLineSupport
import Glibc
import Logging
import Synchronization

/// The loops of the daemon besides its own, each on a thread, with a server of the group.
final class WorkerLoops {
    private let loops: [BackgroundLoop]
    private let servers: [Place]
    /// Starts the threads, and waits until each has its server.
    init(
        _ count: Int, in group: ServerGroup, configuration: EventLoop.Configuration, logging output: LogOutput,
        for home: EventLoop.Remote, level: Logger.Level
    ) throws(Failure) {
        logLevel = level
        do throws(Errno) {
            var loops: [BackgroundLoop] = []
            for _ in 0..<count { loops.append(try BackgroundLoop(configuration: configuration)) }
            self.loops = loops
        } catch {
            throw Failure("cannot start: \(error)", code: EX_OSERR)
        }
        servers = loops.map { _ in Place() }
        let failures = onEach { [servers] index, loop -> String? in
            do throws(ChatServer.StartError) {
                let server = try ChatServer(on: loop, in: group)
                let log = ServerLog(to: ForwardedLog(to: output, on: home), level: level, loop: index + 1)
                server.addObserver(log)
                (servers[index].server, servers[index].log) = (server, log)
                return nil
            } catch {
                return "\(error)"
            }
        }
        if let failure = failures.compactMap(\.self).first { throw Failure("cannot start: \(failure)", code: EX_OSERR) }
    }

    /// Where a loop's server and its log are.
    ///
    /// `@unchecked Sendable`, since they are used on that loop alone.
    private final class Place: @unchecked Sendable {
        weak var server: ChatServer?
        weak var log: ServerLog?
    }

    // MARK: - What is set while the daemon runs

    var logLevel: Logger.Level {
        didSet { forEach { [logLevel] in $0.log?.level = logLevel } }
    }

    var quitWord: String? {
        didSet { forEach { [quitWord] in $0.server?.quitWord = quitWord } }
    }

    func setLimits(_ limits: ChatServer.ClientLimits, local: ChatServer.ClientLimits) {
        forEach {
            $0.server?.limits = limits
            $0.server?.localLimits = local
        }
    }

    /// Has what clients say printed at the console.
    func print(at console: Console, on home: EventLoop.Remote) {
        let channel = ForwardingPrinter.Channel(to: console, on: home)
        forEach { $0.server?.addObserver(ForwardingPrinter(channel)) }
    }

    private func forEach(_ body: @escaping @Sendable (Place) -> Void) {
        for (background, place) in zip(loops, servers) { background.remote.execute { _ in body(place) } }
    }

    /// Runs `body` on each of the threads, and waits for all of them: before the daemon's own loop runs, or that would be held up.
    ///
    /// The corresponding C functions are `sem_post` and `sem_wait`.
    @discardableResult
    func onEach<Result: Sendable>(_ body: @escaping @Sendable (_ index: Int, _ loop: EventLoop) -> Result) -> [Result] {
        let results = SharedResults<Result>()
        for (index, background) in loops.enumerated() {
            background.remote.execute { loop in results.add(body(index, loop)) }
        }
        return results.wait(for: loops.count)
    }

    /// What several threads return, in no particular order.
    ///
    /// `@unchecked Sendable`, since a semaphore is for several threads.
    @safe private final class SharedResults<Result: Sendable>: @unchecked Sendable {
        private let results = Mutex<[Result]>([])
        private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

        init() { unsafe sem_init(semaphore, 0, 0) }

        deinit {
            unsafe sem_destroy(semaphore)
            unsafe semaphore.deallocate()
        }

        func add(_ result: Result) {
            results.withLock { $0.append(result) }
            unsafe sem_post(semaphore)
        }

        func wait(for count: Int) -> [Result] {
            for _ in 0..<count { while unsafe sem_wait(semaphore) != 0 {} }
            return results.withLock { $0 }
        }
    }
}
