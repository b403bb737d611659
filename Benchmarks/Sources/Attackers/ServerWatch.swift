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
