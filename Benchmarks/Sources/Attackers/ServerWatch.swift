import FoundationEssentials
import LoadGenerator

/// What a server and the kernel hold, looked at again and again.
public struct ServerWatch: Sendable {
    /// At one moment.
    public struct Sample: Codable, Sendable {
        public var residentBytes = 0
        public var descriptors = 0
        /// Of all TCP sockets of this machine.
        public var kernelBytes = 0

        public init() {}

        init(residentBytes: Int, descriptors: Int, kernelBytes: Int) {
            self.residentBytes = residentBytes
            self.descriptors = descriptors
            self.kernelBytes = kernelBytes
        }
    }

    private let process: Int32
    /// The greatest of each since the last reset.
    public private(set) var peak = Sample()
    public private(set) var latest = Sample()

    public init(_ process: Int32) {
        self.process = process
        look()
    }

    public mutating func look() {
        latest = Sample(
            residentBytes: ProcessUsage.residentBytes(of: process), descriptors: ProcessUsage.openDescriptors(of: process),
            kernelBytes: KernelSockets.bytes)
        peak.residentBytes = max(peak.residentBytes, latest.residentBytes)
        peak.descriptors = max(peak.descriptors, latest.descriptors)
        peak.kernelBytes = max(peak.kernelBytes, latest.kernelBytes)
    }

    public mutating func resetPeak() {
        peak = Sample()
        look()
    }
}

/// What /proc/net/sockstat says of all TCP sockets of this machine.
public enum KernelSockets {
    /// The memory that they hold.
    static var bytes: Int { value("mem") * 4_096 }

    /// How many are closed, and kept for a minute in case something is still on its way to them.
    public static var waitingCount: Int { value("tw") }

    private static func value(_ name: String) -> Int {
        let contents = FileManager.default.contents(atPath: "/proc/net/sockstat")
        let text = contents.map { String(decoding: $0, as: UTF8.self) } ?? ""
        let words = text.split(separator: "\n").first { $0.hasPrefix("TCP:") }?.split(separator: " ") ?? []
        guard let place = words.firstIndex(of: Substring(name)), place + 1 < words.count else { return 0 }
        return Int(words[place + 1]) ?? 0
    }
}
