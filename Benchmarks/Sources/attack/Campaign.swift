import Attackers
import Relays

/// All trials: round after round, in each every attack, in each of these every relay.
struct Campaign {
    let arena: Arena
    let assaults: [Assault]
    private(set) var trials: [Trial] = []
    /// Relays that cannot be had here, and why.
    private(set) var skipped: [(relay: Relay, reason: String)] = []
    private var relays: [(relay: Relay, command: [String], linesPerSecond: Double)] = []

    init(arena: Arena, assaults: [Assault]) {
        self.arena = arena
        self.assaults = assaults
    }

    /// Finds or builds relays, and sees how many lines each carries.
    mutating func choose(_ candidates: [Relay]) {
        for relay in candidates {
            do {
                let command = try arena.workplace.command(for: relay)
                let rate = try arena.rate(of: relay, command: command)
                note("\(relay.name): \(rate.short) lines a second")
                relays.append((relay, command, rate))
            } catch {
                note("\(relay.name) is left out: \(error)")
                skipped.append((relay, "\(error)"))
            }
        }
    }

    mutating func run() {
        for round in 0..<arena.method.rounds {
            for assault in assaults {
                for (relay, command, rate) in relays where !Interruption.isRequested {
                    let trial = arena.run(assault, on: relay, command: command, linesPerSecond: rate, round: round)
                    let ratio = assault.greatestRatio == nil ? nil : trial.ratio.map { "p99 × \($0.short)" }
                    let findings = [ratio].compactMap(\.self) + (trial.faults.isEmpty ? ["ok"] : trial.faults)
                    note(
                        "round \(round + 1) of \(arena.method.rounds), \(assault.name), \(relay.name): "
                            + findings.joined(separator: "; "))
                    trials.append(trial)
                }
            }
        }
    }
}
