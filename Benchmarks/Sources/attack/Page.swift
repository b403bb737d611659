import Attackers
import Foundation
import LoadGenerator
import Relays

/// The result as it is written down: a table with the relays side by side, what was noticed, and the figures.
struct Page {
    var machine: Machine
    var method: Method
    var results: [AttackResult]
    var skipped: [(relay: Relay, reason: String)]

    func write(to directory: URL) throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try Data((markdown + "\n").utf8).write(to: directory.appending(path: "attacks.md"))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(Figures(machine: machine, method: method, results: results))
            .write(to: directory.appending(path: "attacks.json"))
        printStatus("wrote attacks.md and attacks.json to \(directory.path)")
    }

    private struct Figures: Codable {
        var machine: Machine
        var method: Method
        var results: [AttackResult]
    }

    private var relays: [Relay] { Relay.all.filter { relay in results.contains { $0.relay == relay.name } } }
    private var scenarios: [AttackScenario] {
        AttackScenario.all.filter { scenario in results.contains { $0.attack == scenario.name } }
    }

    var markdown: String {
        let notes = relays.map(notes)
        return ([heading, table] + notes + [leftOut]).filter { !$0.isEmpty }.joined(separator: "\n\n")
    }

    private var heading: String {
        let rates = relays.map { relay in
            "\(relay.title) \((results.first { $0.relay == relay.name }?.linesPerSecond ?? 0).short)"
        }
        return """
            # Under attack

            \(machine). \(method.rounds) rounds of \(method.seconds.short) s a run; the server on core \(method.serverCore), its clients on \
            core \(method.loadCore), the attacker on core \(method.attackCore)\
            \(method.clientsHavePriority ? ", with no priority over the clients, whose process is real-time" : ""); load average at \
            the end \(machine.loadAverage). Lines of \(method.lineLength) bytes a second, from all clients together: \(rates.joined(separator: ", ")).

            Each figure is the p99 latency of 100 well-behaved clients in the median second of the attack, as a ratio to that without it in the \
            same round: the median of the rounds (least to greatest). The p99 of whole runs is below. Without it means that the attacker does the same to a server that discards what it gets \
            of its own, so that what it takes from the clients' core is the same; but where the attacker's lines are delivered, or clients \
            of its are let in to get everybody's, there are as many harmless lines and clients without it as well, since these are work, and no harm. Bold is what is missed: a ratio above \
            1.25 (2 in a flood of connections), a line that was promised and lost, a server that crashed or froze, descriptors that do not \
            return, memory beyond the bound.
            """
    }

    // MARK: - The table

    private var table: String {
        var rows = [
            "| | " + relays.map(\.title).joined(separator: " | ") + " |",
            "|---|" + String(repeating: "---|", count: relays.count),
        ]
        for scenario in scenarios {
            let cells = relays.map { cell(scenario, $0) }
            rows.append("| \(scenario.title) | " + cells.joined(separator: " | ") + " |")
        }
        return rows.joined(separator: "\n")
    }

    private func results(_ scenario: AttackScenario, _ relay: Relay) -> [AttackResult] {
        results.filter { $0.attack == scenario.name && $0.relay == relay.name }
    }

    private func cell(_ scenario: AttackScenario, _ relay: Relay) -> String {
        let results = results(scenario, relay)
        if results.isEmpty { return "–" }
        var parts: [String] = []
        var isTooSlow = false
        let ratios = results.compactMap(\.ratio)
        if let limit = scenario.greatestRatio, let ratio = ratios.median, let least = ratios.min(), let greatest = ratios.max() {
            isTooSlow = ratio > limit
            let text = ratios.count == 1 ? ratio.short : "\(ratio.short) (\(least.short) to \(greatest.short))"
            parts.append(isTooSlow ? "**\(text)**" : text)
        }
        let faults = Self.unique(results.flatMap(\.faults))
        parts += faults.map { "**\($0)**" }
        if faults.isEmpty, !isTooSlow { parts.append("ok") }
        return parts.joined(separator: "; ")
    }

    /// Whether a relay has kept to everything.
    func isFaultless(_ relay: String) -> Bool {
        AttackScenario.all.allSatisfy { scenario in
            let results = results.filter { $0.attack == scenario.name && $0.relay == relay }
            return results.allSatisfy { $0.faults.isEmpty }
                && (scenario.greatestRatio.flatMap { limit in results.compactMap(\.ratio).median.map { $0 <= limit } } ?? true)
        }
    }

    // MARK: - The rest

    private func notes(_ relay: Relay) -> String {
        var rows = [
            "## \(relay.title)", "",
            "| | p99 of a second without, µs | with | of the run without | with | memory grew by, MiB "
                + "| TCP's memory at most, MiB | descriptors before, at most, after | |",
            "|---|---:|---:|---:|---:|---:|---:|---:|---|",
        ]
        for scenario in scenarios {
            let results = results(scenario, relay)
            guard let last = results.last else { continue }
            func seconds(_ measurement: KeyPath<AttackResult, Measurement>) -> String {
                results.flatMap { $0[keyPath: measurement].seconds }.median?.short ?? "–"
            }
            func whole(_ measurement: KeyPath<AttackResult, Measurement>) -> String {
                results.compactMap { $0[keyPath: measurement].report?.latency?.p99Microseconds }.median?.short ?? "–"
            }
            let growth = results.map { Double($0.memoryGrowth) / 1_048_576 }.max() ?? 0
            let kernel = results.map { Double($0.peak.kernelBytes) / 1_048_576 }.max() ?? 0
            var remarks = last.remarks
            if let share = results.compactMap(\.starvedShare).max() {
                remarks.append("\((share * 100).short) % of a core while starved")
            }
            if let time = results.compactMap(\.starvedMilliseconds).max() {
                remarks.append("served \(time.short) ms after it could")
            }
            rows.append(
                "| \(scenario.name) | \(seconds(\.baseline)) | \(seconds(\.attacked)) | \(whole(\.baseline)) | \(whole(\.attacked)) "
                    + "| \(growth.short) | \(kernel.short) | \(last.before.descriptors), "
                    + "\(last.peak.descriptors), \(last.after.descriptors) | \(remarks.joined(separator: "; ")) |")
        }
        return rows.joined(separator: "\n")
    }

    private var leftOut: String {
        if skipped.isEmpty { return "" }
        return "## Left out\n\n" + skipped.map { "- \($0.relay.title): \($0.reason)" }.joined(separator: "\n")
    }

    /// Each once, and of those that differ in their numbers alone the first.
    private static func unique(_ sentences: [String]) -> [String] {
        var seen: Set<String> = []
        return sentences.filter { seen.insert($0.filter { !$0.isNumber && $0 != "." && $0 != "," }).inserted }
    }
}
