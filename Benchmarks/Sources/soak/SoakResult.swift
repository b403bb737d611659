import Attackers
import Foundation
import LoadGenerator
import Relays

/// The result as it is written down: what grew and by how much, and the points themselves.
struct SoakResult: Codable {
    var machine = Machine()
    var minutes: Double
    var linesPerSecond: Double
    var clients: Int
    var descriptorsBefore: Int
    var descriptorsAfter: Int?
    var peak = ServerWatch.Sample()
    var course = SoakSeries()
    var load: LoadReport?
    var remarks: [String] = []
    /// What should not have happened.
    var faults: [String] = []

    init(minutes: Double, linesPerSecond: Double, clients: Int, descriptorsBefore: Int) {
        self.minutes = minutes
        self.linesPerSecond = linesPerSecond
        self.clients = clients
        self.descriptorsBefore = descriptorsBefore
    }

    mutating func take(_ outcome: Load.Outcome) {
        switch outcome {
        case .report(let report):
            load = report
            remarks += report.remarks
            let check = report.check
            if !check.isClean {
                faults.append(
                    "\(check.missing) lines were lost, \(check.damaged) damaged, \(check.repeated + check.misdirected) too many")
            }
        case .failure(let reason):
            faults.append("the load failed: \(reason)")
        }
    }

    func write(to directory: URL) throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try Data((markdown + "\n").utf8).write(to: directory.appending(path: "soak.md"))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(self).write(to: directory.appending(path: "soak.json"))
        printStatus("wrote soak.md and soak.json to \(directory.path)")
    }

    var markdown: String {
        ([heading, table, lines] + [list("Noticed", remarks), list("Faults", faults)]).filter { !$0.isEmpty }
            .joined(separator: "\n\n")
    }

    private var heading: String {
        """
        # Soak

        \(machine). chatd for \(minutes.short) minutes: \(clients) clients who stay say \(linesPerSecond.short) lines a second in all; others \
        come, say a line, short or long, and leave in order, half close, or reset; some never read. Slopes are by least squares over \
        \(course.points.count) points, without the first tenth.
        """
    }

    private var table: String {
        var rows = ["| | slope an hour | median | least | greatest |", "|---|---:|---:|---:|---:|"]
        for quantity in SoakSeries.Quantity.all {
            let extremes = course.extremes(quantity)
            let cells = [course.slope(quantity), course.median(quantity), extremes?.least, extremes?.greatest].map {
                $0?.short ?? "–"
            }
            let name = quantity.unit.isEmpty ? quantity.name : "\(quantity.name), \(quantity.unit)"
            rows.append("| \(name) | " + cells.joined(separator: " | ") + " |")
        }
        return rows.joined(separator: "\n")
    }

    private var lines: String {
        guard let load else { return "The load made no report." }
        let sent = course.points.reduce(0) { $0 + $1.lines }
        let delivered = course.points.reduce(0) { $0 + $1.deliveries }
        return """
            \(Double(sent).short) lines were sent while points were taken, and \(Double(delivered).short) deliveries made; of all \
            \(Double(load.check.lines).short) that were checked \(load.check.missing) were lost, \(load.check.damaged) damaged, \
            \(load.check.repeated + load.check.misdirected) too many. Besides, \(Double(load.check.foreign).short) deliveries were of lines of \
            others. Descriptors: \(descriptorsBefore) before, \(peak.descriptors) at most, \(descriptorsAfter.map(String.init) ?? "–") \
            after. Memory at most \((Double(peak.residentBytes) / 1_048_576).short) MiB.
            """
    }

    private func list(_ title: String, _ sentences: [String]) -> String {
        sentences.isEmpty ? "" : "## \(title)\n\n" + sentences.map { "- \($0)" }.joined(separator: "\n")
    }
}
