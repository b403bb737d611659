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
