import Attackers
import Relays

/// Runs all attacks: round after round, in each every attack, in each of these every relay.
struct AttackRounds {
    let runner: AttackRunner
    let scenarios: [AttackScenario]
    private(set) var results: [AttackResult] = []
    /// Relays that cannot be built or found here, and why.
    private(set) var skipped: [(relay: Relay, reason: String)] = []
    private var relays: [(relay: Relay, command: [String], linesPerSecond: Double)] = []

    init(runner: AttackRunner, scenarios: [AttackScenario]) {
        self.runner = runner
        self.scenarios = scenarios
    }

    /// Finds or builds relays, and sees how many lines each carries.
    mutating func choose(_ candidates: [Relay]) {
        for relay in candidates {
            do {
                let command = try runner.programs.command(for: relay)
                let rate = try runner.rate(of: relay, command: command)
                printStatus("\(relay.name): \(rate.short) lines a second")
                relays.append((relay, command, rate))
            } catch {
                printStatus("\(relay.name) is left out: \(error)")
                skipped.append((relay, "\(error)"))
            }
        }
    }

    mutating func run() {
        for round in 0..<runner.method.rounds {
            for scenario in scenarios {
                for (relay, command, rate) in relays where !Interruption.isRequested {
                    if scenario.kind == .handshakes, !relay.isTLS { continue }
                    let result = runner.run(scenario, on: relay, command: command, linesPerSecond: rate, round: round)
                    let ratio = scenario.greatestRatio == nil ? nil : result.ratio.map { "p99 × \($0.short)" }
                    let findings = [ratio].compactMap(\.self) + (result.faults.isEmpty ? ["ok"] : result.faults)
                    printStatus(
                        "round \(round + 1) of \(runner.method.rounds), \(scenario.name), \(relay.name): "
                            + findings.joined(separator: "; "))
                    results.append(result)
                }
            }
        }
    }
}
