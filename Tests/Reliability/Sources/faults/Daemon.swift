import Glibc
import Synchronization

/// A chatd under the preloaded library. It is killed with this object, if not before.
final class Daemon {
    /// How a process ended, and the processor time that it took.
    struct End {
        var code: Int32?
        var signal: Int32?
        var seconds: Double
    }

    /// What its console reads.
    enum Input {
        case pipe
        case socket
    }

    let pid: pid_t
    /// What it says on standard error.
    let error: Int32
    /// The ends of its standard streams, if it has a console.
    let console: (input: Int32, output: Int32)?
    private var end: End?

    /// Starts it.
    ///
    /// - Parameters:
    ///   - environment: What is added to this process's own.
    ///   - input: Nil for none, and no output either.
    ///
    /// The corresponding C functions are `pipe` and `posix_spawn`.
    init(_ command: [String], environment: [String], input: Input?) throws {
        let started = try Self.starting.withLock { _ in
            try Self.start(command, environment: environment, input: input)
        }
        (pid, error, console) = (started.pid, started.error, started.console)
        for descriptor in [error, console?.input, console?.output].compactMap(\.self) {
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        }
    }

    /// One at a time: a daemon that inherited the pipes of another would keep them from ending.
    private static let starting = Mutex(())

    private struct Started {
        var pid: pid_t = 0
        var error: Int32 = -1
        var console: (input: Int32, output: Int32)?
    }

    private static func start(_ command: [String], environment: [String], input: Input?) throws -> Started {
        var started = Started()
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        let errors = try makePipe()
        started.error = errors.read
        unsafe posix_spawn_file_actions_adddup2(&actions, errors.write, 2)
        var theirs = [errors.write]
        defer { for descriptor in theirs { close(descriptor) } }
        if let input {
            let input = input == .pipe ? try makePipe() : try makeSocketPair()
            let output = try makePipe()
            unsafe posix_spawn_file_actions_adddup2(&actions, input.read, 0)
            unsafe posix_spawn_file_actions_adddup2(&actions, output.write, 1)
            theirs += [input.read, output.write]
            started.console = (input.write, output.read)
        } else {
            unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
            unsafe posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        }
        var own: [String] = []
        var variable = unsafe environ
        while let text = unsafe variable.pointee {
            unsafe own.append(String(cString: text))
            unsafe variable += 1
        }
        var arguments = unsafe command.map { unsafe strdup($0) } + [nil]
        var variables = unsafe (own + environment).map { unsafe strdup($0) } + [nil]
        defer { unsafe (arguments + variables).forEach { unsafe free($0) } }
        let result = unsafe posix_spawn(&started.pid, command[0], &actions, nil, &arguments, &variables)
        if result != 0 { throw BrokenPromise("cannot start \(command[0]): \(unsafe String(cString: strerror(result)))") }
        return started
    }

    deinit {
        if pid > 0, end == nil {
            kill(pid, SIGKILL)
            _ = waitForEnd()
        }
        for descriptor in [error, console?.input, console?.output].compactMap(\.self) { close(descriptor) }
    }

    private static func makeSocketPair() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        if unsafe socketpair(AF_UNIX, type, 0, &ends) < 0 { throw BrokenPromise("cannot make a pair of sockets") }
        return (ends[0], ends[1])
    }

    private static func makePipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        if unsafe pipe(&ends) < 0 { throw BrokenPromise("cannot make a pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    /// What it has said on standard error since this was asked last; nil once it has ended.
    func readError() -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = unsafe read(error, &buffer, buffer.count)
            if count == 0, bytes.isEmpty { return nil }
            if count <= 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    /// The port that a chatd has named in one of its sentences.
    static func port(in sentences: [Substring]) -> UInt16? {
        let prefix = "chatd: listening on 127.0.0.1:"
        return sentences.first { $0.hasPrefix(prefix) }.flatMap { UInt16($0.dropFirst(prefix.count)) }
    }

    /// Waits until it has ended. The corresponding C function is `wait4`.
    @discardableResult
    func waitForEnd() -> End {
        if let end { return end }
        var status: Int32 = 0
        var usage = rusage()
        while unsafe wait4(pid, &status, 0, &usage) < 0, errno == EINTR {}
        let microseconds =
            (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1_000_000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
        let signal = status & 0x7F
        let end = End(
            code: signal == 0 ? status >> 8 & 0xFF : nil, signal: signal == 0 ? nil : signal,
            seconds: Double(microseconds) / 1_000_000)
        self.end = end
        return end
    }
}

/// What the daemon did that it must not do.
struct BrokenPromise: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
