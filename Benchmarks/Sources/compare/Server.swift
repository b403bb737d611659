import Foundation
import Reactor

/// A relay that runs, on a core of its own.
final class Server {
    let address: SocketAddress
    /// How long it took from its start to its first connection.
    let startTime: Duration
    private let process = Process()

    var processIdentifier: Int32 { process.processIdentifier }

    /// Starts a relay on a free port, or on a Unix socket, and waits until it takes connections.
    ///
    /// - Parameter core: The core to run on; nil leaves that to the system.
    init(_ relay: Relay, command: [String], socketPath: String?, core: Int?) throws {
        let arguments: [String]
        if let socketPath {
            guard let unixArguments = relay.unixArguments else { throw Trouble("\(relay.name) knows no Unix sockets") }
            address = .unix(path: socketPath)
            arguments = unixArguments(socketPath)
        } else {
            address = try Self.freeAddress()
            arguments = relay.arguments(address.port ?? 0)
        }
        let prefix = try core.map { [try Command.path(of: "taskset"), "-c", "\($0)"] } ?? []
        let whole = prefix + command + arguments
        process.executableURL = URL(filePath: whole[0])
        process.arguments = Array(whole.dropFirst())
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        let start = ContinuousClock.now
        try process.run()
        let deadline = start + .seconds(10)
        while try !Self.takesConnections(address) {
            if !process.isRunning { throw Trouble("\(relay.name) ended at once") }
            if ContinuousClock.now > deadline {
                kill(process.processIdentifier, SIGKILL)
                throw Trouble("\(relay.name) took no connection for ten seconds")
            }
            Thread.sleep(forTimeInterval: 0.000_1)
        }
        startTime = start.duration(to: .now)
    }

    /// Asks it to end, and ends it if it does not.
    func stop() {
        process.terminate()
        if !process.hasEnded(within: 2) { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        if case .unix(let path) = address { try? FileManager.default.removeItem(atPath: path) }
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
