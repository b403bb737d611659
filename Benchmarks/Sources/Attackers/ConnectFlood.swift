/// Connects as fast as it can, and closes each connection at once.
public final class ConnectFlood: Attacker {
    /// So many connect in one step.
    private static let batch = 32

    private let port: UInt16
    private let network: UInt32
    private let resets: Bool
    private var calls = 0
    private var failures = 0
    private var began: ContinuousClock.Instant?
    private var time = Duration.zero

    /// - Parameters:
    ///   - network: From where: see `HostileSocket`.
    ///   - resets: Whether connections are reset, rather than closed in order.
    public init(at port: UInt16, from network: UInt32 = 0x7F00_0000, resets: Bool) {
        self.port = port
        self.network = network
        self.resets = resets
    }

    public func step() -> Bool {
        if began == nil { began = .now }
        for _ in 0..<Self.batch {
            if let socket = HostileSocket(to: port, from: network) {
                calls += 1
                if resets { socket.resetWhenDropped() }
            } else {
                failures += 1
            }
        }
        return true
    }

    public func end() {
        if let began { time = began.duration(to: .now) }
    }

    public var remarks: [String] {
        ["\(Int(Double(calls) / max(time / .seconds(1), 0.001))) calls a second"]
            + (failures > 0 ? ["\(failures) calls failed on the caller's side"] : [])
    }
}
