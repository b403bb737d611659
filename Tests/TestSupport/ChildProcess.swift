@unsafe @preconcurrency public import Glibc
public import Reactor
import Synchronization

/// A program that a test runs, with standard streams of the test's choice. It is killed with this object, if not before.
public final class ChildProcess {
    /// What one of the program's standard streams is.
    public enum Stream: Sendable {
        /// `/dev/null`.
        case null
        /// Not open at all, as after `<&-` in a shell.
        case closed
        /// A pipe, with the test at its other end.
        case pipe
        /// A terminal, the program's controlling one; the test has the keys and the screen. The same for all streams.
        case terminal
        /// A descriptor of the test's.
        case descriptor(Int32)
    }

    /// How a program ended.
    public enum End: Hashable, Sendable {
        case exit(Int32)
        case signal(Int32)
    }

    public let pid: pid_t
    private var keys: Int32 = -1
    private var screens: [StreamReader?]
    private var end: End?

    /// Starts a program, found as a shell would find it, in a session of its own.
    ///
    /// - Parameter environment: What is added to the test's own environment, as in `NAME=value`.
    ///
    /// The corresponding C functions are `posix_spawnp`, `pipe` and `openpty`.
    public convenience init(
        _ program: String, _ arguments: [String] = [], environment: [String] = [],
        input: Stream = .null, output: Stream = .pipe, error: Stream = .pipe
    ) throws {
        // One at a time: a child that inherited the descriptors of another would keep its streams from ending.
        let (pid, keys, screens) = try Self.starting.withLock { _ in
            try Self.start(program, arguments, environment, [input, output, error])
        }
        self.init(pid: pid, keys: keys, screens: screens)
    }

    private init(pid: pid_t, keys: Int32, screens: [StreamReader?]) {
        self.pid = pid
        self.keys = keys
        self.screens = screens
    }

    deinit {
        kill()
        closeInput()
    }

    /// Kills the program, if it still runs, as SIGKILL does.
    public func kill() {
        if end != nil { return }
        Glibc.kill(pid, SIGKILL)
        var status: Int32 = 0
        while unsafe waitpid(pid, &status, 0) < 0, errno == EINTR {}
        end = .signal(SIGKILL)
    }

    public func send(signal: Int32) {
        if end == nil { Glibc.kill(pid, signal) }
    }

    /// How it has ended, or nil while it runs. The corresponding C function is `waitpid`.
    public var currentEnd: End? {
        if end != nil { return end }
        var status: Int32 = 0
        guard unsafe waitpid(pid, &status, WNOHANG) == pid else { return nil }
        let signal = status & 0x7F
        end = signal == 0 ? .exit(status >> 8 & 0xFF) : .signal(signal)
        return end
    }

    public func waitForEnd() throws -> End {
        try wait(for: "the end of process \(pid)") { currentEnd != nil }
        return currentEnd!
    }

    // MARK: - Streams

    /// What the program writes to standard output, or the screen of its terminal.
    public var output: StreamReader { screens[1]! }
    /// What the program writes to standard error, or the screen of its terminal.
    public var error: StreamReader { screens[2]! }

    /// Writes to standard input, or types at the terminal.
    public func write(_ text: String) throws {
        try write(Array(text.utf8))
    }

    public func write(_ bytes: [UInt8]) throws {
        var written = 0
        while written < bytes.count {
            var entry = pollfd(fd: keys, events: Int16(POLLOUT), revents: 0)
            if unsafe poll(&entry, 1, Int32(patience / .milliseconds(1))) == 0 { throw TimedOut("the program to read") }
            let result = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(keys, $0.baseAddress! + written, $0.count - written) }
            if result >= 0 {
                written += result
            } else if errno != EAGAIN, errno != EINTR {
                throw Errno(rawValue: errno)
            }
        }
    }

    /// Leaves the program's standard output without a reader.
    public func closeOutput() {
        screens[1] = nil
    }

    /// Ends a piped standard input. A terminal's ends with Ctrl-D, which can be typed.
    public func closeInput() {
        if keys >= 0, screens[0] == nil { close(keys) }
        keys = -1
    }

    // MARK: - Starting

    private static let starting = Mutex(())

    private static func start(
        _ program: String, _ arguments: [String], _ environment: [String], _ streams: [Stream]
    ) throws(Errno) -> (pid: pid_t, keys: Int32, screens: [StreamReader?]) {
        // A test that writes to a program that has ended must hear of it by EPIPE.
        signal(SIGPIPE, SIG_IGN)
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        var keys: Int32 = -1
        var screens: [StreamReader?] = [nil, nil, nil]
        var theirs: [Int32] = []
        defer { for end in theirs { close(end) } }
        var terminal: (screen: StreamReader, path: String)?
        for (number, stream) in zip(Int32(0)..., streams) {
            switch stream {
            case .null:
                unsafe posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
            case .closed:
                unsafe posix_spawn_file_actions_addclose(&actions, number)
            case .pipe:
                let (readEnd, writeEnd) = try makePipe()
                if number == 0 {
                    keys = writeEnd
                    // A program that does not read must not make the test hang.
                    _ = fcntl(writeEnd, F_SETFL, fcntl(writeEnd, F_GETFL) | O_NONBLOCK)
                } else {
                    screens[Int(number)] = StreamReader(takingOver: readEnd)
                }
                let end = number == 0 ? readEnd : writeEnd
                unsafe posix_spawn_file_actions_adddup2(&actions, end, number)
                theirs.append(end)
            case .terminal:
                if terminal == nil { terminal = try openTerminal() }
                guard let opened = terminal else { continue }
                screens[Int(number)] = opened.screen
                if number == 0 { keys = opened.screen.descriptor }
                // The first one that the leader of a session opens becomes its controlling terminal.
                unsafe posix_spawn_file_actions_addopen(&actions, number, opened.path, O_RDWR, 0)
            case .descriptor(let descriptor):
                unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, number)
            }
        }
        let pid = try unsafe spawn(program, arguments, environment, &actions)
        return (pid, keys, screens)
    }

    private static func makePipe() throws(Errno) -> (readEnd: Int32, writeEnd: Int32) {
        var ends: [Int32] = [-1, -1]
        if unsafe pipe(&ends) < 0 { throw Errno(rawValue: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    /// A terminal: its screen and keys, and the path by which a program opens it.
    public static func openTerminal() throws(Errno) -> (screen: StreamReader, path: String) {
        var master: Int32 = -1
        var slave: Int32 = -1
        var name = [CChar](repeating: 0, count: 128)
        if unsafe openpty(&master, &slave, &name, nil, nil) < 0 { throw Errno(rawValue: errno) }
        // The child opens it by its name.
        close(slave)
        _ = fcntl(master, F_SETFD, FD_CLOEXEC)
        return (StreamReader(takingOver: master), String(decoding: name.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self))
    }

    private static func spawn(
        _ program: String, _ arguments: [String], _ environment: [String], _ actions: inout posix_spawn_file_actions_t
    ) throws(Errno) -> pid_t {
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // The child starts with every signal as it is by default, whatever this process has done about it.
        var none = sigset_t()
        var all = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | 0x80  // POSIX_SPAWN_SETSID, which Glibc does not import
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

        // Under the address sanitizer, what a program still holds when it ends on purpose would count as a leak.
        var variables = environment + ["ASAN_OPTIONS=detect_leaks=0"]
        var next = unsafe environ
        while let variable = unsafe next.pointee {
            unsafe variables.append(String(cString: variable))
            unsafe next += 1
        }
        var pid: pid_t = 0
        let result = unsafe withCStrings([program] + arguments) { argumentList in
            unsafe withCStrings(variables) { variableList in
                unsafe posix_spawnp(&pid, program, &actions, &attributes, argumentList, variableList)
            }
        }
        if result != 0 { throw Errno(rawValue: result) }
        return pid
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        let copies = unsafe strings.map { unsafe strdup($0) } + [nil]
        defer { unsafe copies.forEach { unsafe free($0) } }
        return unsafe copies.withUnsafeBufferPointer { unsafe body($0.baseAddress!) }
    }
}

extension ChildProcess {
    /// Where the package's executables are: beside the one that runs the tests.
    public static func pathOfExecutable(_ name: String) -> String {
        guard let path = unsafe realpath("/proc/self/exe", nil) else { return name }
        defer { unsafe free(path) }
        let components = unsafe String(cString: path).split(separator: "/").dropLast()
        return "/" + components.joined(separator: "/") + "/" + name
    }

    /// Whether a program is installed, where a shell would find it.
    public static func isInstalled(_ program: String) -> Bool {
        guard let path = unsafe getenv("PATH") else { return false }
        return unsafe String(cString: path).split(separator: ":").contains { unsafe access("\($0)/\(program)", X_OK) == 0 }
    }
}
