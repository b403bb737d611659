import Foundation

/// The machine that the figures are from, as far as it matters and may be told.
public struct Machine: Codable, CustomStringConvertible {
    public var processor: String
    public var cores: Int
    public var kernel: String
    public var swift: String
    /// How TCP decides what to send when. One that paces, such as bbr, does so even within a machine.
    public var congestionControl: String
    /// What else the machine had to do when the last run had ended: the load average of a quiet machine is about 1 then.
    public var loadAverage: String

    public init() {
        let processors = Self.text("/proc/cpuinfo").split(separator: "\n").first { $0.hasPrefix("model name") }
        processor =
            processors?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "an unknown processor"
        cores = ProcessInfo.processInfo.processorCount
        kernel = Self.text("/proc/sys/kernel/osrelease").trimmingCharacters(in: .newlines)
        congestionControl = Self.text("/proc/sys/net/ipv4/tcp_congestion_control").trimmingCharacters(in: .newlines)
        let version = try? Command.run(["swift", "--version"], timeLimit: 30)
        swift = version?.text.split(separator: "\n").first { $0.contains("version") }.map(String.init) ?? "Swift"
        loadAverage = Self.text("/proc/loadavg").split(separator: " ").prefix(2).joined(separator: ", ")
    }

    /// What it is, but for how busy it was.
    public var description: String {
        "\(processor), \(cores) cores, Linux \(kernel), TCP congestion control \(congestionControl), \(swift)"
    }

    private static func text(_ path: String) -> String {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
