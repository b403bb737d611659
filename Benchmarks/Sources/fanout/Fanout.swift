public import ArgumentParser
import Foundation
public import LoadGenerator
import Reactor
import ReactorTLS

/// The load generator: arguments in, a report out.
@main
struct Fanout: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: """
            Puts a load on a relay of lines or WebSockets, an echo server, or Redis or NATS pub/sub, and measures what it delivers.
            """,
        discussion: """
            Some of the connections send; each line goes to all the others, which count. A few connections check that every \
            line arrives once, whole and in order, and take its latency. Exits with 1 if a line did not.
            """)

    @Option(
        name: .customLong("connect"), help: ArgumentHelp("The server.", valueName: "host:port | unix:path"),
        transform: { try Endpoint($0) })
    var target: Endpoint

    @Option(help: "Speak TLS, and believe the authorities in this file. The server is to be localhost.")
    var tlsCa: String?

    @Option(name: .customLong("protocol"), help: "What the server speaks: line, web, echo, redis or nats.")
    var wire = Wire.line

    @Option(name: .shortAndLong, help: "How many connections, senders included.")
    var connections = 100

    @Option(name: .shortAndLong, help: "How many of them send.")
    var senders = 10

    @Option(name: [.customShort("b"), .customLong("bytes")], help: "The length of a line, with its newline.")
    var lineLength = 64

    @Option(name: .shortAndLong, help: "Closed loop: how many lines a sender may be under way.")
    var window = 64

    @Option(name: .shortAndLong, help: "Open loop instead: how many lines a second, from all senders together.")
    var rate: Double?

    @Flag(help: "Open loop: sleep between lines, and so leave the core to others.")
    var sleep = false

    @Flag(help: "Pass over lines that begin with #: they are others'. All that read check then.")
    var tolerateForeign = false

    @Option(name: [.customShort("t"), .customLong("seconds")], help: "How long to measure.")
    var seconds = 5.0

    @Option(help: "How many seconds to warm up.")
    var warmUp = 1.0

    @Option(help: "How many percent of the connections never read.")
    var stalled = 0

    @Option(help: "How many connections check every line.")
    var verifiers = 3

    @Option(name: .customLong("server-pid"), help: "The server's process, to measure what it uses.")
    var server: Int32?

    @Option(help: "No load: open so many connections that only sit, and see what they cost the server.")
    var idle: Int?

    @Flag(help: "No load: open and close connections as fast as possible.")
    var churn = false

    @Option(help: ArgumentHelp("Report every few seconds, too: one JSON object a line.", valueName: "seconds"))
    var every: Double?

    @Flag(help: "Say on standard error when the load begins.")
    var announce = false

    @Flag(help: "Report as one JSON object.")
    var json = false

    func validate() throws {
        if !(0.1...1_000_000).contains(seconds) || !(0...3_600).contains(warmUp) {
            throw ValidationError("a run takes from 0.1 to 1000000 seconds, its warming up 3600 at most")
        }
        if !(1...1_000_000).contains(window) { throw ValidationError("a window has from 1 to 1000000 lines") }
        if let rate, !(1...100_000_000).contains(rate) { throw ValidationError("a rate is from 1 to 100000000 lines a second") }
        if sleep, rate == nil { throw ValidationError("only an open loop can sleep: give a --rate") }
        if let every, !(0.1...3_600).contains(every) { throw ValidationError("an interval has from 0.1 to 3600 seconds") }
        if !(0...100).contains(stalled) { throw ValidationError("percent are from 0 to 100") }
        if !(0...1_000).contains(verifiers) { throw ValidationError("from 0 to 1000 connections can check") }
        if idle != nil, churn { throw ValidationError("choose one of --idle and --churn") }
        if let idle, !(1...1_000_000).contains(idle) { throw ValidationError("from 1 to 1000000 connections can sit") }
        if !(1...1_000_000).contains(connections) { throw ValidationError("there are from 1 to 1000000 connections") }
    }

    func run() throws {
        try DescriptorLimit.raise(toHold: idle ?? connections)
        guard let address = try target.resolve().first else { throw ValidationError("\(target) has no address") }
        let transport = try tlsCa.map { try TLSClient(trust: .authorities(file: $0)).transport(host: "localhost") }
        if let idle {
            var plan = IdlePlan(address: address, connections: idle, duration: .seconds(seconds), server: server)
            plan.transport = transport
            plan.isWeb = wire == .web
            return show(try Idle(plan).run())
        }
        if churn {
            var plan = ChurnPlan(address: address, connections: connections, duration: .seconds(seconds), server: server)
            plan.transport = transport
            return show(try Churn(plan).run())
        }
        var plan = loadPlan(address)
        plan.transport = transport
        if let objection = plan.objection { throw ValidationError(objection) }
        let load = try FanOut(plan)
        load.onInterval = { showAsJSON($0) }
        if announce { load.onBegin = { FileHandle.standardError.write(Data("the load begins\n".utf8)) } }
        let report = try load.run()
        show(report)
        if !report.check.isClean, verifiers > 0 { throw ExitCode.failure }
    }

    private func loadPlan(_ address: SocketAddress) -> LoadPlan {
        var plan = LoadPlan(address: address)
        plan.wire = wire
        plan.connections = connections
        plan.senders = senders
        plan.lineLength = lineLength
        plan.pace = rate.map { .rate($0) } ?? .window(window)
        plan.warmUp = .seconds(warmUp)
        plan.duration = .seconds(seconds)
        plan.stalled = connections * stalled / 100
        plan.verifiers = verifiers
        plan.sleepsBetweenLines = sleep
        plan.toleratesForeignLines = tolerateForeign
        plan.reportInterval = every.map { .seconds($0) }
        plan.server = server
        return plan
    }

    private func show(_ report: some Encodable & CustomStringConvertible) {
        if json { showAsJSON(report) } else { print(report) }
    }

    private func showAsJSON(_ report: some Encodable) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(report) else { return }
        // Not by way of a buffer: who reads a report every few seconds does not want it at the end.
        FileHandle.standardOutput.write(data + Data("\n".utf8))
    }
}

extension Wire: ExpressibleByArgument {}
