import Foundation

// The reports as people read them: one line a figure.

extension LoadReport: CustomStringConvertible {
    public var description: String {
        var rows = [
            Row("deliveries/s", deliveriesPerSecond.grouped),
            Row("lines/s", linesPerSecond.grouped),
            Row("deliveries a read", deliveriesPerRead.brief),
        ]
        if let latency {
            rows.append(
                Row(
                    "latency µs",
                    "p50 \(latency.p50Microseconds.brief)  p99 \(latency.p99Microseconds.brief)  "
                        + "p99.9 \(latency.p999Microseconds.brief)  max \(latency.maximumMicroseconds.brief)"))
        }
        if let cost = cpuNanosecondsPerDelivery { rows.append(Row("server ns a delivery", cost.brief)) }
        if let server { rows += server.rows }
        rows.append(Row("generator's core", generatorShare.percent))
        rows.append(
            Row(
                "check",
                "\(check.lines) lines at \(check.connections) connections: \(check.missing) missing, \(check.repeated) repeated, "
                    + "\(check.misdirected) misdirected, \(check.damaged) damaged"))
        return Row.text(of: rows, remarks: remarks)
    }
}

extension IdleReport: CustomStringConvertible {
    public var description: String {
        var rows = [Row("idle connections", "\(connections)")]
        if let secondsToAccept { rows.append(Row("seconds to accept", secondsToAccept.brief)) }
        if let residentBytesPerConnection { rows.append(Row("bytes a connection", residentBytesPerConnection.grouped)) }
        if let server { rows += server.rows }
        return Row.text(of: rows, remarks: remarks)
    }
}

extension ChurnReport: CustomStringConvertible {
    public var description: String {
        var rows = [Row("cycles/s", cyclesPerSecond.grouped)]
        if let cost = cpuNanosecondsPerCycle { rows.append(Row("server ns a cycle", cost.grouped)) }
        if let server { rows += server.rows }
        rows.append(Row("generator's core", generatorShare.percent))
        return Row.text(of: rows, remarks: remarks)
    }
}

extension ServerReport {
    fileprivate var rows: [Row] {
        [
            Row("server's core", cpuShare.percent), Row("server's memory", "\((Double(residentBytes) / 1_048_576).brief) MiB"),
            Row("server's wake-ups", "\(wakeUps)"),
        ]
    }
}

/// A name and what was measured.
private struct Row {
    var name: String
    var value: String

    init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    static func text(of rows: [Row], remarks: [String]) -> String {
        let lines = rows.map { $0.name.padding(toLength: 22, withPad: " ", startingAt: 0) + $0.value }
        return (lines + remarks.map { "! \($0)" }).joined(separator: "\n")
    }
}

extension Double {
    /// Without a fraction, and in groups of three digits.
    fileprivate var grouped: String { formatted(.number.precision(.fractionLength(0)).locale(Locale(identifier: "en_US"))) }

    /// With three significant digits, but never fewer than the whole number has.
    fileprivate var brief: String { String(format: self < 10 ? "%.2f" : self < 100 ? "%.1f" : "%.0f", self) }

    fileprivate var percent: String { String(format: "%.0f %%", self * 100) }
}
