import Foundation
public import LoadGenerator
import Reactor
public import Relays

/// The well-behaved clients of a server: the load generator in a process of its own, with a fixed rate.
///
/// Where that is allowed, it has a real-time priority, and sleeps between lines. Other processes on its core then have the rest, and
/// takes nothing from it but what the kernel does for them.
public final class Load {
    public struct Plan: Codable, Sendable {
        public var connections = 100
        public var linesPerSecond = 2_000.0
        public var warmUp = 1.0
        public var seconds = 10.0
        public var lineLength = 64
        public var reportInterval: Double?
        public var core = 1
        /// A file of authorities, for a server that speaks TLS; nil for another.
        public var authority: String?

        public init() {}
    }

    /// How it ended.
    public enum Outcome: Sendable {
        case report(LoadReport)
        case failure(String)
    }

    public let plan: Plan
    private let process = Process()
    private let output: URL
    private let errors: URL
    private let deadline: ContinuousClock.Instant
    private var readBytes: UInt64 = 0

    /// Starts.
    ///
    /// - Parameter timeout: How many seconds it may take beyond its plan, before it is killed.
    public init(_ plan: Plan, on server: Server, programs: BuiltPrograms, timeout: Double = 30) throws {
        self.plan = plan
        output = programs.temporary.appending(path: "load.out")
        errors = programs.temporary.appending(path: "load.err")
        for place in [output, errors] { try Data().write(to: place) }
        var command = ["taskset", "-c", "\(plan.core)"]
        if Self.canHavePriority { command += ["chrt", "-f", "10"] }
        command += [
            programs.products.appending(path: "fanout").path, "--connect", "\(server.address)", "--server-pid",
            "\(server.processIdentifier)", "--connections", "\(plan.connections)", "--rate", "\(plan.linesPerSecond)", "--bytes",
            "\(plan.lineLength)", "--warm-up", "\(plan.warmUp)", "--seconds", "\(plan.seconds)", "--sleep", "--tolerate-foreign",
            "--announce", "--json",
        ]
        if let authority = plan.authority { command += ["--tls-ca", authority] }
        if let interval = plan.reportInterval { command += ["--every", "\(interval)"] }
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        deadline = .now + .seconds(plan.warmUp + plan.seconds + timeout)
        try process.run()
    }

    /// Whether a process may have a real-time priority here.
    public static let canHavePriority = (try? Command.run(["chrt", "-f", "10", "true"], timeLimit: 5).status) == 0

    public var isRunning: Bool { process.isRunning }
    public var isOverdue: Bool { ContinuousClock.now > deadline }

    /// Whether all are connected and have begun.
    public var hasBegun: Bool { errorText.contains("the load begins") }

    private var errorText: String {
        String(decoding: (try? Data(contentsOf: errors)) ?? Data(), as: UTF8.self)
    }

    public func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// The reports of intervals that have come since the last call.
    public func newIntervals() -> [IntervalReport] {
        guard let file = try? FileHandle(forReadingFrom: output) else { return [] }
        try? file.seek(toOffset: readBytes)
        guard let data = try? file.readToEnd(), let end = data.lastIndex(of: 10) else { return [] }
        let whole = data[...end]
        readBytes += UInt64(whole.count)
        return whole.split(separator: 10).compactMap { try? JSONDecoder().decode(IntervalReport.self, from: Data($0)) }
    }

    /// How it ended, once it is no longer running.
    public var outcome: Outcome {
        let text = (try? Data(contentsOf: output)) ?? Data()
        if let last = text.split(separator: 10).last, let report = try? JSONDecoder().decode(LoadReport.self, from: Data(last)) {
            return .report(report)
        }
        let reason = errorText.split(separator: "\n").last { $0.hasPrefix("Error: ") }
        return .failure(reason.map { String($0.dropFirst(7)) } ?? "did not come to an end")
    }
}
