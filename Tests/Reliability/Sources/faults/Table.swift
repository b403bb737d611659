/// What came of it all, a row for each call.
struct Table {
    private let rows: [String: FaultSweep.Row]

    init(_ rows: [String: FaultSweep.Row]) {
        self.rows = rows
    }

    var text: String {
        let outcomes: [Conversation.Outcome] = [.served, .closed, .ended, .untouched]
        var lines = [
            ["call", "sites", "struck in every way", "errors", "runs", "struck"] + outcomes.map(\.rawValue) + ["broken"]
        ]
        for (name, row) in rows.sorted(by: { $0.key < $1.key }) {
            let numbers = [row.runs, row.strikes] + outcomes.map { row.outcomes[$0, default: 0] } + [row.failures]
            lines.append(
                [name, "\(row.sites)", "\(row.covered)", "\(row.errors.count)"] + numbers.map(String.init))
        }
        let widths = lines[0].indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        let sites = rows.values.reduce(0) { $0 + $1.sites }
        let covered = rows.values.reduce(0) { $0 + $1.covered }
        let percent = sites == 0 ? 0 : Double(covered * 1_000 / sites) / 10
        let summary =
            "\(covered) of \(sites) sites struck in every way: \(percent) %; \(rows.values.reduce(0) { $0 + $1.runs }) runs"
        return lines.map { line in
            line.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - line[column].count)
                return column == 0 ? line[column] + padding : padding + line[column]
            }.joined(separator: "  ")
        }.joined(separator: "\n") + "\n" + summary
    }
}
