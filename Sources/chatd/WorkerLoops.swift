import ChatCommandLine
import ChatReactor
import Glibc
import Logging
import Synchronization

/// The loops of the daemon besides its own, each on a thread, with a server of the group.
final class WorkerLoops {
    private let loops: [BackgroundLoop]
    private let places: [Place]

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
        places = loops.map { _ in Place() }
        let failures = onEach { [places] index, loop -> String? in
            do throws(ChatServer.StartError) {
                let server = try ChatServer(on: loop, in: group)
                let log = ServerLog(to: ForwardedLog(to: output, on: home), level: level, loop: index + 1)
                server.addObserver(log)
                (places[index].log, places[index].server) = (log, server)
                return nil
            } catch {
                return "\(error)"
            }
        }
        if let failure = failures.compactMap(\.self).first { throw Failure("cannot start: \(failure)", code: EX_OSERR) }
    }

    /// Has the server of each loop be one of a cluster: these loops run, so it is at once.
    func join(_ cluster: Cluster) throws(Failure) {
        let failures = onEach { [places] index, _ -> Failure? in
            guard let server = places[index].server, let log = places[index].log else { return nil }
            do throws(Failure) { try cluster.add(server, log: log) } catch { return error }
            return nil
        }
        if let failure = failures.compactMap(\.self).first { throw failure }
    }

    /// Where a loop's server is found, and what is logged about it.
    ///
    /// `@unchecked Sendable`, since it is used on that loop alone.
    private final class Place: @unchecked Sendable {
        weak var log: ServerLog?
        weak var server: ChatServer?
    }

    /// Has `run` run the commands of operators who are on these loops, on the daemon's loop, and tells them what has come of it.
    func onOperatorCommand(
        _ run: @escaping @Sendable (_ line: String, _ answer: @escaping @Sendable (OperatorAnswer) -> Void) -> Void
    ) {
        onEach { [places] index, loop in
            places[index].server?.chat?.onOperatorCommand { [remote = loop.remote] person, line in
                places[index].log?.didGiveCommand(line, person)
                let id = person.id
                run(line) { answer in
                    remote.execute { loop in (loop.connection(id)?.handler as? Person)?.show(answer) }
                }
                return OperatorAnswer(.text)
            }
        }
    }

    var logLevel: Logger.Level {
        didSet {
            for (background, place) in zip(loops, places) {
                background.remote.execute { [logLevel] _ in place.log?.level = logLevel }
            }
        }
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
    private final class SharedResults<Result: Sendable>: Sendable {
        private let results = Mutex<[Result]>([])
        private let arrivals = Semaphore()

        func add(_ result: Result) {
            results.withLock { $0.append(result) }
            arrivals.signal()
        }

        func wait(for count: Int) -> [Result] {
            arrivals.wait(for: count)
            return results.withLock { $0 }
        }
    }
}
