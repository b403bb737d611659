import Attackers
import Foundation
import Glibc
import LoadGenerator
import Reactor
import Relays

/// Where one relay is attacked: the server is started, loaded without an attack, loaded with it, and looked at afterwards.
struct AttackRunner {
    /// A server that holds more is ended: it has shown what it does, and the machine is to live on.
    private static let mostMemory = 1_500 << 20
    /// For what should take no time: descriptors that return, a line that arrives.
    private static let timeout = Duration.seconds(5)
    /// What chatd's log, with its marks, and its buffers take once they have been used.
    private static let logBytes = 4 << 20
    private static let bytesPerConnection = 2_048
    private static let longestLine = 65_536

    let method: Method
    let programs: BuiltPrograms
    let smallDisk: SmallDisk?
    let clockPreload: URL?

    func run(_ scenario: AttackScenario, on relay: Relay, command: [String], linesPerSecond: Double, round: Int) -> AttackResult {
        var result = AttackResult(round: round, attack: scenario.name, relay: relay.name, linesPerSecond: linesPerSecond)
        if relay.name == Relay.chatdName {
            result.memoryBound =
                Self.logBytes + scenario.connections * Self.bytesPerConnection + scenario.unfinishedLines * Self.longestLine
        }
        awaitEndOfWaitingSockets()
        do {
            let output = programs.temporary.appending(path: "\(relay.name).output")
            defer { try? FileManager.default.removeItem(at: output) }
            let surroundings = try surroundings(for: scenario, relay, output)
            let server = try Server(relay, command: command, core: method.serverCore, surroundings: surroundings)
            defer { server.stop() }
            try attack(server, relay, scenario, &result)
            if let complaint = complaintAboutOutput(of: relay, scenario, output) { result.complaints.append(complaint) }
        } catch {
            result.complaints.append("\(error)")
        }
        return result
    }

    /// How many lines a second a relay carries without being busy all the time: those asked for, or a half of them, or a half of that.
    func rate(of relay: Relay, command: [String]) throws -> Double {
        var rate = method.linesPerSecond
        while true {
            let server = try Server(
                relay, command: command, core: method.serverCore, surroundings: try standardSurroundings(of: relay))
            defer { server.stop() }
            var plan = try plan(relay, rate, clients: 100)
            plan.seconds = 1
            let load = try Load(plan, on: server, programs: programs, timeout: 5)
            while load.isRunning, !load.isOverdue { usleep(10_000) }
            if load.isRunning { load.kill() }
            if case .report(let report) = load.outcome, let share = report.server?.cpuShare, share < 0.95,
                report.deliveriesPerSecond > 0.9 * rate * Double(plan.connections - 1)
            {
                return rate
            }
            if rate < 100 { throw RunFailure("does not carry even \(rate.short) lines a second to 100 clients") }
            rate /= 2
        }
    }

    private func plan(_ relay: Relay, _ linesPerSecond: Double, clients: Int) throws -> Load.Plan {
        var plan = Load.Plan()
        plan.authority = relay.isTLS ? try programs.makeCertificate() : nil
        plan.connections = clients
        plan.linesPerSecond = linesPerSecond
        plan.warmUp = method.warmUp
        plan.seconds = method.seconds
        plan.lineLength = method.lineLength
        plan.reportInterval = 1
        plan.core = method.loadCore
        return plan
    }

    // MARK: - The server

    private func standardSurroundings(of relay: Relay) throws -> Server.Surroundings {
        var surroundings = Server.Surroundings()
        if relay.isTLS {
            _ = try programs.makeCertificate()
            surroundings.directory = programs.temporary
        }
        return surroundings
    }

    private func surroundings(for scenario: AttackScenario, _ relay: Relay, _ output: URL) throws -> Server.Surroundings {
        var surroundings = try standardSurroundings(of: relay)
        let isOurs = relay.name == Relay.chatdName
        switch scenario.kind {
        case .plain, .pause, .handshakes: break
        case .printing:
            if isOurs { surroundings.arguments = ["--print"] }
            surroundings.outputPath = output.path
        case .refusing:
            if isOurs { surroundings.arguments = ["--deny", AttackScenario.denied.block] }
        case .starvation:
            surroundings.openFileLimit = AttackScenario.fewFiles
        case .clock:
            guard let clockPreload else { throw RunFailure("there is no C compiler for what makes the clock jump") }
            surroundings.environment["LD_PRELOAD"] = clockPreload.path
            // The time of what it logs shows whether the jumps reach it.
            if isOurs { surroundings.arguments = ["--log-level", "debug"] }
            surroundings.errorPath = output.path
        case .fullDisk:
            guard let smallDisk else { throw RunFailure("a small file system cannot be mounted here") }
            if isOurs { surroundings.arguments = ["--print", "--log-level", "debug"] }
            surroundings.outputPath = smallDisk.directory.appending(path: "output").path
            surroundings.errorPath = smallDisk.directory.appending(path: "errors").path
        }
        return surroundings
    }

    /// What is wrong with what chatd printed or logged.
    private func complaintAboutOutput(of relay: Relay, _ scenario: AttackScenario, _ output: URL) -> String? {
        guard relay.name == Relay.chatdName, let data = try? Data(contentsOf: output) else { return nil }
        switch scenario.kind {
        case .printing:
            if data.isEmpty { return "--print printed nothing" }
            guard let text = String(validating: data, as: UTF8.self) else { return "--print printed invalid UTF-8" }
            for scalar in text.unicodeScalars {
                switch scalar.value {
                case 0x09, 0x0A: continue
                case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069:
                    return "--print printed U+\(String(scalar.value, radix: 16))"
                default: continue
                }
            }
            return nil
        case .clock:
            // The day with which each line begins.
            let days = Set(String(decoding: data, as: UTF8.self).split(separator: "\n").map { $0.prefix(10) })
            return days.count > 2 ? nil : "the jumps of the clock did not reach it, so nothing was shown"
        default: return nil
        }
    }

    // MARK: - The attack

    /// Waits until the kernel has forgotten the connections of a flood. It drops all that have waited for their minute at once, many thousand every
    /// other second, and serves nobody meanwhile: whatever is attacked then would be blamed for that.
    private func awaitEndOfWaitingSockets() {
        let deadline = ContinuousClock.now + .seconds(90)
        while KernelSockets.waitingCount > 2_000, ContinuousClock.now < deadline, !Interruption.isRequested { usleep(100_000) }
    }

    private func attack(_ server: Server, _ relay: Relay, _ scenario: AttackScenario, _ result: inout AttackResult) throws {
        guard let port = server.address.port else { throw RunFailure("\(server.address) has no port") }
        usleep(100_000)
        var watch = ServerWatch(server.processIdentifier)
        let descriptors = watch.latest.descriptors

        let discardServer = try DiscardServer()
        func field(_ port: UInt16) -> AttackScenario.Field {
            AttackScenario.Field(port: port, process: nil, smallDisk: nil, method: method)
        }
        let quiet = scenario.makeHarmless?(field(port)) ?? scenario.make(field(discardServer.port))
        var plan = try plan(relay, result.linesPerSecond, clients: scenario.clients)
        result.baseline = try measure(server, plan, quiet, discardServer, &watch, &result)
        discardServer.close()
        guard result.complaints.isEmpty else {
            result.complaints = result.complaints.map { "\($0), before the attack" }
            return
        }
        awaitDescriptors(descriptors, &watch)
        result.before = watch.latest
        watch.resetPeak()

        if scenario.kind == .pause { plan.seconds += method.stopSeconds }
        let attacker = scenario.make(
            AttackScenario.Field(
                port: port, process: server.processIdentifier, smallDisk: smallDisk?.directory, method: method))
        result.attacked = try measure(server, plan, attacker, nil, &watch, &result)
        result.remarks += attacker.remarks + (result.attacked.report?.remarks ?? [])
        if let complaint = attacker.complaint { result.complaints.append(complaint) }
        if server.isRunning, scenario.kind == .starvation { try starve(server, port, &result) }
        result.peak = watch.peak
        if !server.isRunning { return }

        awaitDescriptors(result.before.descriptors, &watch)
        result.after = watch.latest
        if watch.latest.descriptors > result.before.descriptors {
            let count = watch.latest.descriptors - result.before.descriptors
            result.complaints.append("\(count) descriptors still open \(Self.timeout) later")
        }
        // The clients of one that speaks TLS have shown that it goes on: what the probe says is a plain line.
        if !relay.isTLS, Probe(port: port)?.roundTrip(within: Self.timeout) == nil {
            result.complaints.append(server.isRunning ? "frozen: no line passes any more" : "crashed after the attack")
        }
    }

    /// The load, with an attack on the server, or on the discarding server if there is one.
    private func measure(
        _ server: Server, _ plan: Load.Plan, _ attacker: any Attacker, _ discardServer: DiscardServer?,
        _ watch: inout ServerWatch,
        _ result: inout AttackResult
    ) throws -> Measurement {
        defer { attacker.end() }
        let load = try Load(plan, on: server, programs: programs)
        defer { if load.isRunning { load.kill() } }
        var isAttacking = false
        var nextLook = ContinuousClock.now
        while load.isRunning {
            if Interruption.isRequested { throw RunFailure("interrupted") }
            let now = ContinuousClock.now
            if now >= nextLook {
                nextLook = now + .milliseconds(20)
                watch.look()
                isAttacking = isAttacking || load.hasBegun
                if !server.isRunning {
                    result.complaints.append("crashed (\(server.ending ?? "?"))")
                    return Measurement()
                }
                if watch.latest.residentBytes > Self.mostMemory {
                    kill(server.processIdentifier, SIGKILL)
                    result.complaints.append("memory grew to \(watch.latest.residentBytes.mebibytes), and it was ended for that")
                    return Measurement()
                }
                if load.isOverdue {
                    result.complaints.append("frozen: the clients' lines were still under way after 30 s")
                    return Measurement()
                }
            }
            let hasWorked = isAttacking && attacker.step()
            try discardServer?.step()
            if !hasWorked { usleep(1_000) }
        }
        switch load.outcome {
        case .report(let report):
            return Measurement(report: report, seconds: load.newIntervals().compactMap { $0.latency?.p99Microseconds })
        case .failure(let reason):
            result.complaints.append(server.isRunning ? "failed its clients: \(reason)" : "crashed (\(server.ending ?? "?"))")
            return Measurement()
        }
    }

    private func awaitDescriptors(_ count: Int, _ watch: inout ServerWatch) {
        let deadline = ContinuousClock.now + Self.timeout
        while true {
            watch.look()
            if watch.latest.descriptors <= count || ContinuousClock.now > deadline { return }
            usleep(10_000)
        }
    }

    // MARK: - Out of descriptors

    /// Sees what a server does that has no descriptors left and nothing else to do, and how soon it serves when it has some again.
    private func starve(_ server: Server, _ port: UInt16, _ result: inout AttackResult) throws {
        guard let speaker = HostileSocket(to: port) else { throw RunFailure("no descriptor is left for the test itself") }
        let callers = SlowClients(2 * AttackScenario.fewFiles, .silent, at: port)
        let start = ContinuousClock.now
        while start.duration(to: .now) < .milliseconds(500) { if !callers.step() { usleep(1_000) } }
        if let before = ProcessUsage(of: server.processIdentifier) {
            let begin = ContinuousClock.now
            usleep(2_000_000)
            if let after = ProcessUsage(of: server.processIdentifier) {
                let used = after.cpuNanoseconds - min(before.cpuNanoseconds, after.cpuNanoseconds)
                result.starvedShare = Double(used) / 1e9 / (begin.duration(to: .now) / .seconds(1))
            }
        }
        guard let waiting = HostileSocket(to: port) else { throw RunFailure("no descriptor is left for the test itself") }
        callers.end()
        let free = ContinuousClock.now
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while free.duration(to: .now) < Self.timeout {
            speaker.send("#anybody there?\n")
            if case .bytes = waiting.receive(into: &buffer) {
                result.starvedMilliseconds = free.duration(to: .now) / .milliseconds(1)
                return
            }
            usleep(2_000)
        }
        result.complaints.append(
            server.isRunning
                ? "served no caller within \(Self.timeout) after it had descriptors again" : "crashed (\(server.ending ?? "?"))")
    }
}
