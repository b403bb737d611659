import ArgumentParser
import Attackers
import Foundation
import Glibc
import LoadGenerator
import Reactor
import Relays

/// Keeps chatd busy for a long time, and sees whether anything grows or is lost.
@main
struct Soak: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs chatd for a long time under a mixed load, and looks for what grows.",
        discussion: """
            Some clients stay and say lines at a fixed rate, and check that every line of the others comes. Others come, say a line and go, \
            in order or not; some say long lines; some never read, and come again when they are closed. Exits with 1 if a line was lost or \
            the server ended.
            """)

    @Option(help: "For how long.")
    var minutes = 30.0

    @Option(help: "How many lines a second those who stay say, from all together.")
    var rate = 200.0

    @Option(help: "How many stay.")
    var clients = 50

    @Option(help: ArgumentHelp("How often a point is taken.", valueName: "seconds"))
    var every = 5.0

    @Option(help: ArgumentHelp("Where the page and the figures go.", valueName: "directory"))
    var output = BuiltPrograms.repository.appending(path: "Docs/reliability").path

    @OptionGroup
    var runOptions: RunOptions

    func validate() throws {
        if !(0.1...10_000).contains(minutes) { throw ValidationError("it takes from 0.1 to 10000 minutes") }
        if !(10...100_000).contains(rate) { throw ValidationError("a rate is from 10 to 100000 lines a second") }
        if !(10...1_000).contains(clients) { throw ValidationError("from 10 to 1000 clients can stay") }
        if !(0.5...600).contains(every) { throw ValidationError("a point is taken every 0.5 to 600 seconds") }
    }

    func run() throws {
        Interruption.watch()
        try DescriptorLimit.raise(toHold: 1_000)
        let programs = try BuiltPrograms(chatd: runOptions.chatd, executables: ["fanout"])
        defer { programs.clear() }
        guard let relay = Relay.all.first(where: { $0.name == Relay.chatdName }) else { throw RunFailure("chatd is not known") }
        let server = try Server(relay, command: try programs.command(for: relay), core: runOptions.serverCore)
        defer { server.stop() }
        _ = try Command.run(["taskset", "-pc", "\(runOptions.loadCore)", "\(getpid())"], timeLimit: 5)
        let result = try soak(server, programs)
        print(result.markdown)
        try result.write(to: URL(filePath: output, directoryHint: .isDirectory))
        if !result.faults.isEmpty { throw ExitCode.failure }
    }

    private func soak(_ server: Server, _ programs: BuiltPrograms) throws -> SoakResult {
        guard let port = server.address.port else { throw RunFailure("\(server.address) has no port") }
        var plan = Load.Plan()
        plan.connections = clients
        plan.linesPerSecond = rate
        plan.seconds = minutes * 60
        plan.reportInterval = every
        plan.core = runOptions.loadCore
        usleep(200_000)
        var watch = ServerWatch(server.processIdentifier)
        var result = SoakResult(
            minutes: minutes, linesPerSecond: rate, clients: clients, descriptorsBefore: watch.latest.descriptors)
        let others = Self.others(at: port)
        let load = try Load(plan, on: server, programs: programs)
        defer { if load.isRunning { load.kill() } }

        var nextLook = ContinuousClock.now
        var hasBegun = false
        while load.isRunning {
            let now = ContinuousClock.now
            if now >= nextLook {
                nextLook = now + .milliseconds(200)
                hasBegun = hasBegun || load.hasBegun
                watch.look()
                take(load.newIntervals(), watch, &result)
                if !server.isRunning || Interruption.isRequested { break }
                if load.isOverdue { load.kill() }
            }
            // Not one for which there is work is all there is: nothing here is in a hurry.
            if hasBegun { for other in others { _ = other.step() } }
            usleep(2_000)
        }
        if !server.isRunning { result.faults.append("the server ended (\(server.ending ?? "?"))") }
        if Interruption.isRequested { result.faults.append("it was interrupted") }
        if load.isRunning { load.kill() }
        take(load.newIntervals(), watch, &result)
        for other in others { other.end() }
        result.take(load.outcome)
        result.remarks += others.flatMap(\.remarks)
        if server.isRunning { lookAfterwards(server, port, watch, &result) }
        result.peak = watch.peak
        return result
    }

    /// All who do not stay, or do not behave.
    private static func others(at port: UInt16) -> [any Attacker] {
        [
            BriefClients(.polite, perSecond: 20, at: port), BriefClients(.halfClosing, perSecond: 5, at: port),
            BriefClients(.hittingAndRunning, perSecond: 5, at: port), BriefClients(.resettingWithOutput, perSecond: 5, at: port),
            BriefClients(.wordy, perSecond: 0.2, at: port), SlowClients(3, .neverReading, at: port, returns: true),
            SlowClients(5, .silent, at: port), SlowClients(2, .writingSlowly, at: port, returns: true),
        ]
    }

    private func take(_ reports: [IntervalReport], _ watch: ServerWatch, _ result: inout SoakResult) {
        for report in reports {
            result.course.append(
                report, residentBytes: watch.latest.residentBytes, descriptors: watch.latest.descriptors)
            let count = result.course.points.count
            guard count.isMultiple(of: max(Int(60 / every), 1)) else { continue }
            printStatus(
                "\(((report.start + report.seconds) / 60).short) of \(minutes.short) minutes: "
                    + "\(watch.latest.residentBytes / 1_024) KiB, \(watch.latest.descriptors) descriptors, "
                    + "p99 \(report.latency?.p99Microseconds.short ?? "–") µs, \(report.check.missing) lines lost")
        }
    }

    private func lookAfterwards(_ server: Server, _ port: UInt16, _ watch: ServerWatch, _ result: inout SoakResult) {
        var watch = watch
        let deadline = ContinuousClock.now + .seconds(5)
        repeat {
            usleep(20_000)
            watch.look()
        } while watch.latest.descriptors > result.descriptorsBefore && ContinuousClock.now < deadline
        result.descriptorsAfter = watch.latest.descriptors
        if watch.latest.descriptors > result.descriptorsBefore {
            result.faults.append("\(watch.latest.descriptors - result.descriptorsBefore) descriptors are still open")
        }
        if Probe(port: port)?.roundTrip(within: .seconds(5)) == nil { result.faults.append("no line passes any more") }
    }
}
