public import Foundation
public import Reactor

/// A relay that runs, on a core of its own.
public final class Server {
    /// How a server is started, where that is not the usual way.
    public struct Surroundings: Sendable {
        /// Arguments besides the relay's own.
        public var arguments: [String] = []
        public var environment: [String: String] = [:]
        /// The directory that it runs in; nil for this process's own.
        public var directory: URL?
        /// How many files it may open.
        public var openFileLimit: Int?
        /// Where its standard output and its standard error go.
        public var outputPath = "/dev/null"
        public var errorPath = "/dev/null"

        public init() {}
    }

    public let address: SocketAddress
    /// How long it took from its start to its first connection.
    public let startTime: Duration
    private let process = Process()

    public var processIdentifier: Int32 { process.processIdentifier }
    public var isRunning: Bool { process.isRunning }

    /// Starts a relay on a free port, or on a Unix socket, and waits until it takes connections.
    ///
    /// - Parameter core: The core to run on; nil leaves that to the system.
    public init(
        _ relay: Relay, command: [String], socketPath: String? = nil, core: Int?, surroundings: Surroundings = Surroundings()
    ) throws {
        let arguments: [String]
        if let socketPath {
            guard let unixArguments = relay.unixArguments else { throw RunFailure("\(relay.name) knows no Unix sockets") }
            address = .unix(path: socketPath)
            arguments = unixArguments(socketPath)
        } else {
            address = try Self.freeAddress()
            arguments = relay.arguments(address.port ?? 0)
        }
        var whole = try core.map { [try Command.path(of: "taskset"), "-c", "\($0)"] } ?? []
        if let limit = surroundings.openFileLimit { whole += [try Command.path(of: "prlimit"), "--nofile=\(limit):\(limit)"] }
        whole += command + arguments + surroundings.arguments
        process.executableURL = URL(filePath: whole[0])
        process.arguments = Array(whole.dropFirst())
        if !surroundings.environment.isEmpty {
            process.environment = ProcessInfo.processInfo.environment.merging(surroundings.environment) { $1 }
        }
        if let directory = surroundings.directory { process.currentDirectoryURL = directory }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try Self.openForAppending(surroundings.outputPath)
        process.standardError = try Self.openForAppending(surroundings.errorPath)
        let start = ContinuousClock.now
        try process.run()
        let deadline = start + .seconds(10)
        while try !Self.takesConnections(address) {
            if !process.isRunning { throw RunFailure("\(relay.name) ended at once") }
            if ContinuousClock.now > deadline {
                kill(process.processIdentifier, SIGKILL)
                throw RunFailure("\(relay.name) took no connection for ten seconds")
            }
            Thread.sleep(forTimeInterval: 0.000_1)
        }
        startTime = start.duration(to: .now)
    }

    /// How it ended, if it has, in words.
    public var ending: String? {
        if process.isRunning { return nil }
        let kind = process.terminationReason == .uncaughtSignal ? "signal" : "status"
        return "\(kind) \(process.terminationStatus)"
    }

    /// Asks it to end, and ends it if it does not.
    public func stop() {
        process.terminate()
        if !process.hasEnded(within: 2) { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        if case .unix(let path) = address { try? FileManager.default.removeItem(atPath: path) }
    }

    private static func openForAppending(_ path: String) throws -> FileHandle {
        let descriptor = unsafe open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw RunFailure("cannot write to \(path): \(Errno(rawValue: errno))") }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    /// A port of 127.0.0.1 that was free a moment ago.
    private static func freeAddress() throws -> SocketAddress {
        let loop = try EventLoop()
        defer { loop.close() }
        return try loop.listen(on: .ipv4(address: 0x7F00_0001, port: 0), handler: Caller()).address
    }

    private static func takesConnections(_ address: SocketAddress) throws -> Bool {
        let loop = try EventLoop()
        defer { loop.close() }
        let caller = Caller()
        do {
            try loop.connect(to: address, deadline: .now + .seconds(1), handler: caller)
        } catch {
            return false
        }
        for _ in 0..<100 where caller.isConnected == nil { try loop.runOnce(waitingAtMost: .milliseconds(20)) }
        return caller.isConnected == true
    }

    private final class Caller: ConnectionHandler {
        private(set) var isConnected: Bool?

        func connectionDidOpen(_ connection: Connection) {
            isConnected = true
        }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {}

        func connectionDidClose(_ connection: Connection, reason: CloseReason) {
            isConnected = isConnected ?? false
        }
    }
}
