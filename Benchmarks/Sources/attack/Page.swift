import Attackers
import Foundation
import LoadGenerator
import Relays

/// The result as it is written down: a table with the relays side by side, what was noticed, and the figures.
struct Page {
    var machine: Machine
    var method: Method
    var trials: [Trial]
    var skipped: [(relay: Relay, reason: String)]

    func write(to directory: URL) throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try Data((markdown + "\n").utf8).write(to: directory.appending(path: "attacks.md"))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(Figures(machine: machine, method: method, trials: trials))
            .write(to: directory.appending(path: "attacks.json"))
        note("wrote attacks.md and attacks.json to \(directory.path)")
    }

    private struct Figures: Codable {
        var machine: Machine
        var method: Method
        var trials: [Trial]
    }

    private var relays: [Relay] { Relay.all.filter { relay in trials.contains { $0.relay == relay.name } } }
    private var assaults: [Assault] { Assault.all.filter { assault in trials.contains { $0.attack == assault.name } } }

    var markdown: String {
        let notes = relays.map(notes)
        return ([heading, table] + notes + [leftOut]).filter { !$0.isEmpty }.joined(separator: "\n\n")
    }

    private var heading: String {
        let rates = relays.map { relay in
            "\(relay.title) \((trials.first { $0.relay == relay.name }?.linesPerSecond ?? 0).short)"
        }
        return """
            # Under attack

            \(machine). \(method.rounds) rounds of \(method.seconds.short) s a run; the server on core \(method.serverCore), its clients on \
            core \(method.loadCore), the attacker on core \(method.attackCore)\
            \(method.clientsHavePriority ? ", with no priority over the clients, whose process is real-time" : ""); load average at \
            the end \(machine.loadAverage). Lines of \(method.lineLength) bytes a second, from all clients together: \(rates.joined(separator: ", ")).

            Each figure is the p99 latency of 100 well-behaved clients in the median second of the attack, as a ratio to that without it in the \
            same round: the median of the rounds (least to greatest). The p99 of whole runs is below. Without it means that the attacker does the same to a sink \
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
        for assault in assaults {
            let cells = relays.map { cell(assault, $0) }
            rows.append("| \(assault.title) | " + cells.joined(separator: " | ") + " |")
        }
        return rows.joined(separator: "\n")
    }

    private func trials(_ assault: Assault, _ relay: Relay) -> [Trial] {
        trials.filter { $0.attack == assault.name && $0.relay == relay.name }
    }

    private func cell(_ assault: Assault, _ relay: Relay) -> String {
        let trials = trials(assault, relay)
        if trials.isEmpty { return "–" }
        var parts: [String] = []
        var isTooSlow = false
        let ratios = trials.compactMap(\.ratio)
        if let limit = assault.greatestRatio, let ratio = ratios.median, let least = ratios.min(), let greatest = ratios.max() {
            isTooSlow = ratio > limit
            let text = ratios.count == 1 ? ratio.short : "\(ratio.short) (\(least.short) to \(greatest.short))"
            parts.append(isTooSlow ? "**\(text)**" : text)
        }
        let faults = Self.unique(trials.flatMap(\.faults))
        parts += faults.map { "**\($0)**" }
        if faults.isEmpty, !isTooSlow { parts.append("ok") }
        return parts.joined(separator: "; ")
    }

    /// Whether a relay has kept to everything.
    func isFaultless(_ relay: String) -> Bool {
        Assault.all.allSatisfy { assault in
            let trials = trials.filter { $0.attack == assault.name && $0.relay == relay }
            return trials.allSatisfy { $0.faults.isEmpty }
                && (assault.greatestRatio.flatMap { limit in trials.compactMap(\.ratio).median.map { $0 <= limit } } ?? true)
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
        for assault in assaults {
            let trials = trials(assault, relay)
            guard let last = trials.last else { continue }
            func seconds(_ measurement: KeyPath<Trial, Measurement>) -> String {
                trials.flatMap { $0[keyPath: measurement].seconds }.median?.short ?? "–"
            }
            func whole(_ measurement: KeyPath<Trial, Measurement>) -> String {
                trials.compactMap { $0[keyPath: measurement].report?.latency?.p99Microseconds }.median?.short ?? "–"
            }
            let growth = trials.map { Double($0.memoryGrowth) / 1_048_576 }.max() ?? 0
            let kernel = trials.map { Double($0.peak.kernelBytes) / 1_048_576 }.max() ?? 0
            var remarks = last.remarks
            if let share = trials.compactMap(\.starvedShare).max() {
                remarks.append("\((share * 100).short) % of a core while starved")
            }
            if let time = trials.compactMap(\.starvedMilliseconds).max() {
                remarks.append("served \(time.short) ms after it could")
            }
            rows.append(
                "| \(assault.name) | \(seconds(\.baseline)) | \(seconds(\.attacked)) | \(whole(\.baseline)) | \(whole(\.attacked)) "
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
