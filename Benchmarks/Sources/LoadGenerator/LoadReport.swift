import Histogram

/// What a load showed. Every figure in it was measured.
public struct LoadReport: Codable, Sendable {
    /// How long was measured.
    public var seconds: Double
    public var lines: Int
    public var deliveries: Int
    public var deliveriesPerSecond: Double
    public var linesPerSecond: Double
    /// How many deliveries one read of a receiver brought, on the average: the batches in which the server sends.
    public var deliveriesPerRead: Double
    /// How long deliveries took: all that arrived at the connections that check, while it was measured.
    public var latency: Latency?
    public var server: ServerReport?
    /// How much of one core the generator itself used.
    public var generatorShare: Double
    public var check: Check
    /// The conditions under which the figures came about.
    public var remarks: [String]

    public struct Latency: Codable, Sendable {
        public var count: UInt64
        public var p50Microseconds: Double
        public var p99Microseconds: Double
        public var p999Microseconds: Double
        public var maximumMicroseconds: Double

        /// Nil if no latency was taken.
        init?(_ histogram: Histogram<UInt64>) {
            if histogram.totalCount == 0 { return nil }
            func microseconds(_ percentile: Double) -> Double { Double(histogram.valueAtPercentile(percentile)) / 1e3 }
            count = histogram.totalCount
            p50Microseconds = microseconds(50)
            p99Microseconds = microseconds(99)
            p999Microseconds = microseconds(99.9)
            maximumMicroseconds = Double(histogram.max) / 1e3
        }
    }

    /// What the connections that check every line have found, from the first line to the last.
    public struct Check: Codable, Sendable {
        public var connections = 0
        public var lines = 0
        public var missing = 0
        public var repeated = 0
        public var misdirected = 0
        public var damaged = 0
        /// Lines of others than the load, where they are let pass.
        public var foreign = 0

        public var isClean: Bool { lines > 0 && missing + repeated + misdirected + damaged == 0 }
    }

    public var cpuNanosecondsPerDelivery: Double? {
        server.flatMap { deliveries > 0 ? Double($0.cpuNanoseconds) / Double(deliveries) : nil }
    }
}

/// What the server's process used while it was measured.
public struct ServerReport: Codable, Sendable {
    public var cpuNanoseconds: UInt64
    /// Of one core.
    public var cpuShare: Double
    /// At the end.
    public var residentBytes: UInt64
    /// How often it went to sleep and was woken.
    public var wakeUps: UInt64
}

/// What passed in one interval of a load.
public struct IntervalReport: Codable, Sendable {
    /// When it began, in seconds from the beginning of the measurement.
    public var start: Double
    public var seconds: Double
    public var lines: Int
    public var deliveries: Int
    public var latency: LoadReport.Latency?
    /// What has been found from the first line until now. A line that is still under way counts as missing nowhere yet.
    public var check: LoadReport.Check
}
