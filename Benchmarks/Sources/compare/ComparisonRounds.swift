import Foundation
import LoadGenerator
import Relays

/// Runs all scenarios: round after round, in each every scenario, in each of these every relay.
struct ComparisonRounds {
    let method: Method
    let scenarios: [Scenario]
    let programs: BuiltPrograms
    private(set) var results: [Result] = []
    /// Relays that cannot be built or found here, and why.
    private(set) var skipped: [(relay: Relay, reason: String)] = []
    private var relays: [(relay: Relay, command: [String])] = []

    init(method: Method, scenarios: [Scenario], programs: BuiltPrograms) {
        self.method = method
        self.scenarios = scenarios
        self.programs = programs
    }

    /// Finds or builds the relays that the scenarios ask for.
    mutating func chooseRelays(named names: [String], for scenarios: [Scenario]) throws {
        let references = scenarios.map(\.reference)
        for relay in Relay.all where scenarios.contains(where: { $0.relays.contains(relay.name) }) {
            guard names.isEmpty || names.contains(relay.name) || references.contains(relay.name) else { continue }
            do {
                relays.append((relay, try programs.command(for: relay)))
            } catch let failure as RunFailure {
                printStatus("\(relay.name) is left out: \(failure)")
                skipped.append((relay, failure.description))
            }
        }
    }

    mutating func run() {
        for round in 0..<method.rounds {
            for scenario in scenarios {
                let contestants = relays.filter { scenario.relays.contains($0.relay.name) && isDue($0.relay, in: round) }
                // Forward and backward in turn, so that none always comes after the same other.
                for (relay, command) in round.isMultiple(of: 2) ? contestants : contestants.reversed() {
                    printStatus("round \(round + 1) of \(method.rounds), \(scenario.name): \(relay.name)")
                    results.append(measure(relay, command, in: scenario, round: round))
                }
            }
        }
    }

    private func isDue(_ relay: Relay, in round: Int) -> Bool {
        method.everyPeerEveryRound || round == 0 || relay.name == Relay.limitName || relay.name.hasPrefix(Relay.chatdName)
    }

    private func measure(_ relay: Relay, _ command: [String], in scenario: Scenario, round: Int) -> Result {
        var result = Result(round: round, scenario: scenario.name, relay: relay.name)
        do {
            if case .start = scenario.kind {
                result.figures[.startMilliseconds] = try startMilliseconds(of: relay, command)
            } else {
                let path = programs.temporary.appending(path: "\(relay.name).sock").path
                var surroundings = Server.Surroundings()
                let authority = relay.isTLS ? try programs.makeCertificate() : nil
                if relay.isTLS { surroundings.directory = programs.temporary }
                let server = try Server(
                    relay, command: command, socketPath: scenario.isOnUnixSocket ? path : nil, core: method.serverCore,
                    surroundings: surroundings)
                defer { server.stop() }
                try load(server, speaking: relay.wire, believing: authority, as: scenario, into: &result)
            }
        } catch {
            result.failure = "\(error)"
            printStatus("\(relay.name) failed: \(error)")
        }
        return result
    }

    /// The least of a few starts: what delays one is not its own doing. Without a core of its own, which another program would
    /// have to set and so be part of the time.
    private func startMilliseconds(of relay: Relay, _ command: [String]) throws -> Double {
        var times: [Double] = []
        for _ in 0..<5 {
            let server = try Server(relay, command: command, socketPath: nil, core: nil)
            times.append(server.startTime / .milliseconds(1))
            server.stop()
        }
        return times.min() ?? .nan
    }

    // MARK: - The load

    /// - Parameter authority: Whom the clients believe that they speak TLS with; nil for plain bytes.
    private func load(
        _ server: Server, speaking wire: Wire, believing authority: String?, as scenario: Scenario, into result: inout Result
    ) throws {
        var arguments = [
            "--connect", "\(server.address)", "--server-pid", "\(server.processIdentifier)", "--json",
            "--seconds", "\(method.seconds)",
        ]
        if let authority { arguments += ["--tls-ca", authority] }
        switch scenario.kind {
        case .idle: arguments += ["--protocol", wire.rawValue, "--idle", "\(scenario.connections)"]
        case .churn: arguments += ["--churn", "--connections", "\(scenario.connections)"]
        case .saturation(let window): arguments += trafficArguments(scenario, wire) + ["--window", "\(window)"]
        case .rate(let share):
            guard let saturation = linesPerSecondOfLimit(in: result.round) else {
                throw RunFailure("a fixed rate is a share of the limit program's, which \(Scenario.saturation) would have shown")
            }
            arguments += trafficArguments(scenario, wire) + ["--rate", "\(saturation * share)"]
        case .start: return
        }
        let generator = ["taskset", "-c", "\(method.loadCore)", programs.products.appending(path: "fanout").path]
        let output = try Command.run(generator + arguments, timeLimit: method.seconds + method.warmUp + 240)
        let data = Data(output.text.utf8)
        guard data.first == UInt8(ascii: "{") else {
            throw RunFailure(output.errors.firstLine ?? "the generator said nothing")
        }
        switch scenario.kind {
        case .idle: result.take(try JSONDecoder().decode(IdleReport.self, from: data))
        case .churn: result.take(try JSONDecoder().decode(ChurnReport.self, from: data))
        default: result.take(try JSONDecoder().decode(LoadReport.self, from: data))
        }
    }

    private func trafficArguments(_ scenario: Scenario, _ wire: Wire) -> [String] {
        // Where senders do not receive, there are as many receivers as the scenario has peers, and the senders besides.
        let connections = scenario.connections + (wire.sendersReceive ? 0 : scenario.senders)
        return [
            "--protocol", wire.rawValue, "--connections", "\(connections)", "--senders", "\(scenario.senders)",
            "--bytes", "\(scenario.lineLength)", "--stalled", "\(scenario.stalledPercent)", "--warm-up", "\(method.warmUp)",
        ]
    }

    private func linesPerSecondOfLimit(in round: Int) -> Double? {
        results.first { $0.round == round && $0.scenario == Scenario.saturation && $0.relay == Relay.limitName }?
            .figures[.linesPerSecond]
    }
}
