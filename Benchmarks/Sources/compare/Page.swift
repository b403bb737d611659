import Foundation
import Relays

/// The result as it is written down: a table, the figures, a chart.
struct Page {
    var machine: Machine
    var method: Method
    var summary: Summary
    var scenarios: [Scenario]
    var skipped: [(relay: Relay, reason: String)]
    var targets: [Target.Outcome]

    func write(to directory: URL) throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try Data((markdown + "\n").utf8).write(to: directory.appending(path: "results.md"))
        try Data(Chart(summary: summary, scenarios: scenarios).svg.utf8).write(to: directory.appending(path: "results.svg"))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(Figures(machine: machine, method: method, targets: targets, results: summary.results))
            .write(to: directory.appending(path: "results.json"))
        printStatus("wrote results.md, results.json and results.svg to \(directory.path)")
    }

    private struct Figures: Codable {
        var machine: Machine
        var method: Method
        var targets: [Target.Outcome]
        var results: [Result]
    }

    var markdown: String {
        ([heading] + scenarios.compactMap(table) + [leftOut, targetTable]).filter { !$0.isEmpty }.joined(separator: "\n\n")
    }

    private var heading: String {
        """
        # Results

        \(machine). Medians of \
        \(method.rounds) rounds of \(method.seconds.short) s a run\
        \(method.everyPeerEveryRound ? "" : " (relays other than chatd and the limit program: one round)"); the server on \
        core \(method.serverCore), the load on core \(method.loadCore); load average at the end \(machine.loadAverage). \
        Ratios are to the limit program in the same round, of echo servers to the one with callbacks, over TLS and WebSocket to chatd with plain lines, as median (least to greatest).
        """
    }

    // MARK: - A table for each scenario

    private func table(_ scenario: Scenario) -> String? {
        let columns = Column.columns(of: scenario.kind)
        let relays = Relay.all.filter { relay in
            summary.results.contains { $0.relay == relay.name && $0.scenario == scenario.name }
        }
        if relays.isEmpty { return nil }
        var remarks: [String] = []
        var rows = [
            "| | " + columns.map(\.title).joined(separator: " | ") + " |",
            "|---|" + String(repeating: "---:|", count: columns.count),
        ]
        for relay in relays {
            let cells = columns.map { $0.cell(summary, relay.name, scenario) }
            rows.append("| \(relay.title) | " + cells.joined(separator: " | ") + " |")
            for remark in summary.remarks(on: relay.name, in: scenario.name) { remarks.append("- \(relay.title): \(remark)") }
        }
        let notes = remarks.isEmpty ? "" : "\n\n" + remarks.joined(separator: "\n")
        return "## \(scenario.name): \(scenario.title)\n\n" + rows.joined(separator: "\n") + notes
    }

    private var leftOut: String {
        if skipped.isEmpty { return "" }
        return "## Left out\n\n" + skipped.map { "- \($0.relay.title): \($0.reason)" }.joined(separator: "\n")
    }

    private var targetTable: String {
        var rows = ["## Targets", "", "| target | must | aim | measured | |", "|---|---|---|---:|---|"]
        for target in targets {
            let value = target.measured.map { $0.short + (target.place.map { place in " (\(place))" } ?? "") } ?? "not measured"
            let verdict = target.isMet.map { $0 ? "met" : "**missed**" } ?? ""
            rows.append("| \(target.name) | \(target.must) | \(target.aim) | \(value) | \(verdict) |")
        }
        return rows.joined(separator: "\n")
    }
}

/// One column of a scenario's table.
private struct Column {
    var title: String
    var cell: (_ summary: Summary, _ relay: String, _ scenario: Scenario) -> String

    static func columns(of kind: Scenario.Kind) -> [Column] {
        switch kind {
        case .saturation:
            [
                ratio("deliveries/s, ratio", .deliveriesPerSecond), ratio("CPU a delivery, ratio", .nanosecondsPerDelivery),
                value("deliveries/s", .deliveriesPerSecond), value("ns a delivery", .nanosecondsPerDelivery),
                value("p50 µs", .p50Microseconds), value("p99 µs", .p99Microseconds), value("p99.9 µs", .p999Microseconds),
                value("MiB", .residentBytes, unit: 1_048_576),
            ]
        case .rate:
            [
                ratio("p99, ratio", .p99Microseconds), ratio("CPU a delivery, ratio", .nanosecondsPerDelivery),
                value("lines/s", .linesPerSecond), value("p50 µs", .p50Microseconds), value("p99 µs", .p99Microseconds),
                value("p99.9 µs", .p999Microseconds), value("max µs", .maximumMicroseconds),
            ]
        case .idle:
            [
                value("bytes a connection", .bytesPerConnection), value("wake-ups", .wakeUps),
                value("seconds to accept", .secondsToAccept), value("MiB", .residentBytes, unit: 1_048_576),
            ]
        case .churn:
            [
                ratio("cycles/s, ratio", .cyclesPerSecond), ratio("CPU a cycle, ratio", .nanosecondsPerCycle),
                value("cycles/s", .cyclesPerSecond), value("ns a cycle", .nanosecondsPerCycle),
            ]
        case .start:
            [ratio("ratio", .startMilliseconds), value("ms", .startMilliseconds)]
        }
    }

    private static func value(_ title: String, _ metric: Metric, unit: Double = 1) -> Column {
        Column(title: title) { summary, relay, scenario in
            summary.median(metric, of: relay, in: scenario.name).map { ($0 / unit).short } ?? "–"
        }
    }

    private static func ratio(_ title: String, _ metric: Metric) -> Column {
        Column(title: title) { summary, relay, scenario in
            guard let ratio = summary.ratio(metric, of: relay, to: scenario.reference, in: scenario.name) else { return "–" }
            if relay == scenario.reference { return "1" }
            if ratio.least == ratio.greatest { return ratio.median.short }
            return "\(ratio.median.short) (\(ratio.least.short) to \(ratio.greatest.short))"
        }
    }
}
