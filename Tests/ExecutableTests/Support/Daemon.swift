import Glibc
import Reactor
import TestSupport
import Testing

/// A chatd that runs for one test, at a free port.
final class Daemon {
    let process: ChildProcess
    /// Its first listeners, as it names them: `127.0.0.1:3001`.
    let addresses: [String]

    /// Starts it, and waits until it accepts. Runs as `chatd --port 0` unless the arguments say where to listen.
    ///
    /// - Parameters:
    ///   - listeners: How many listeners to wait for.
    ///   - launcher: A program that starts another, and its own arguments.
    init(
        _ arguments: [String] = [], listeners: Int = 1, environment: [String] = [], launcher: [String] = [],
        input: ChildProcess.Stream = .null, output: ChildProcess.Stream = .pipe
    ) throws {
        let place = arguments.contains("--listen") ? [] : ["--port", "0"]
        let command = launcher + [ChildProcess.pathOfExecutable("chatd")] + place + arguments
        process = try ChildProcess(
            command[0], Array(command.dropFirst()), environment: environment, input: input, output: output)
        var addresses: [String] = []
        let announcement = "chatd: listening on "
        while addresses.count < listeners, let line = try process.error.line() {
            try #require(line.hasPrefix(announcement), "\(line)")
            addresses.append(String(line.dropFirst(announcement.count)))
        }
        try #require(addresses.count == listeners, "chatd has ended")
        self.addresses = addresses
    }

    /// The port of the first listener.
    var port: UInt16 { UInt16(addresses[0].split(separator: ":").last ?? "") ?? 0 }

    /// The first listener's address, as `chat` takes it.
    var address: String { addresses[0] }

    func connect(receiveBuffer: Int32? = nil) throws -> Peer {
        try Peer(port: port, receiveBuffer: receiveBuffer)
    }

    /// Clients that have joined: whatever is relayed from now on reaches them.
    ///
    /// A listener accepts clients in the order in which they connected. So a client that gets a line of the last one has joined.
    func join(_ count: Int, receiveBuffer: Int32? = nil) throws -> [Peer] {
        let clients = try (0..<count).map { _ in try connect(receiveBuffer: receiveBuffer) }
        let usher = try connect()
        try usher.send("joined\n")
        for client in clients {
            let line = try client.receiveLine()
            #expect(line == "joined")
        }
        usher.close()
        return clients
    }

    /// Ends the daemon as its operator would, and checks that it ends in order.
    func end() throws {
        process.send(signal: SIGTERM)
        let end = try process.waitForEnd()
        #expect(end == .exit(0))
        let rest = String(decoding: try process.error.all(), as: UTF8.self)
        for trace in ["Fatal error", "Backtrace", "Crash", "Sanitizer"] { #expect(!rest.contains(trace), "\(rest)") }
    }
}

/// Runs a chatd for as long as `body` takes. Each such test also shows that nothing in it has ended the daemon.
func withDaemon(
    _ arguments: [String] = [], listeners: Int = 1, environment: [String] = [], launcher: [String] = [],
    input: ChildProcess.Stream = .null, output: ChildProcess.Stream = .pipe, _ body: (Daemon) throws -> Void
) throws {
    let daemon = try Daemon(
        arguments, listeners: listeners, environment: environment, launcher: launcher, input: input, output: output)
    try body(daemon)
    try daemon.end()
}

/// Starts a `chat`, with pipes for its streams unless the test wants others.
func startChat(
    _ arguments: [String], input: ChildProcess.Stream = .pipe, output: ChildProcess.Stream = .pipe,
    error: ChildProcess.Stream = .pipe
) throws -> ChildProcess {
    try ChildProcess(ChildProcess.pathOfExecutable("chat"), arguments, input: input, output: output, error: error)
}
