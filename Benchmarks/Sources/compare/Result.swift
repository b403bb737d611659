import LoadGenerator

/// What can be measured.
enum Metric: String, Codable, CaseIterable, CodingKeyRepresentable {
    case deliveriesPerSecond, linesPerSecond, deliveriesPerRead
    case nanosecondsPerDelivery
    case p50Microseconds, p99Microseconds, p999Microseconds, maximumMicroseconds
    case cyclesPerSecond, nanosecondsPerCycle
    case secondsToAccept, bytesPerConnection
    case startMilliseconds
    case residentBytes, wakeUps, serverShare, generatorShare
}

/// What one run showed.
struct Result: Codable {
    var round: Int
    var scenario: String
    var relay: String
    var figures: [Metric: Double] = [:]
    /// Whether every line arrived once, whole and in order; nil where no lines were sent.
    var isClean: Bool?
    var remarks: [String] = []
    /// Why there are no figures.
    var failure: String?

    mutating func take(_ report: LoadReport) {
        figures[.deliveriesPerSecond] = report.deliveriesPerSecond
        figures[.linesPerSecond] = report.linesPerSecond
        figures[.deliveriesPerRead] = report.deliveriesPerRead
        figures[.nanosecondsPerDelivery] = report.cpuNanosecondsPerDelivery
        figures[.generatorShare] = report.generatorShare
        if let latency = report.latency {
            figures[.p50Microseconds] = latency.p50Microseconds
            figures[.p99Microseconds] = latency.p99Microseconds
            figures[.p999Microseconds] = latency.p999Microseconds
            figures[.maximumMicroseconds] = latency.maximumMicroseconds
        }
        take(report.server)
        isClean = report.check.isClean
        remarks = report.remarks
    }

    mutating func take(_ report: IdleReport) {
        figures[.secondsToAccept] = report.secondsToAccept
        figures[.bytesPerConnection] = report.residentBytesPerConnection
        take(report.server)
        remarks = report.remarks
    }

    mutating func take(_ report: ChurnReport) {
        figures[.cyclesPerSecond] = report.cyclesPerSecond
        figures[.nanosecondsPerCycle] = report.cpuNanosecondsPerCycle
        figures[.generatorShare] = report.generatorShare
        take(report.server)
        remarks = report.remarks
    }

    private mutating func take(_ server: ServerReport?) {
        guard let server else { return }
        figures[.residentBytes] = Double(server.residentBytes)
        figures[.wakeUps] = Double(server.wakeUps)
        figures[.serverShare] = server.cpuShare
    }
}
