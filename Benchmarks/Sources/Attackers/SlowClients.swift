/// Clients that come and stay, and are slow or silent.
public final class SlowClients: Attacker {
    public enum Manner: Sendable {
        /// Says nothing, and reads what comes.
        case silent
        /// Never reads.
        case neverReading
        /// Reads one byte a second.
        case readingSlowly
        /// Reads what comes, and writes one byte a second. Every other one has ended a line before, and so is taken for one who says lines.
        case writingSlowly
    }

    /// The least that the kernel keeps for a socket, so that it is soon full.
    private static let smallReceiveBuffer: Int32 = 4_096
    /// So many connect in one step.
    private static let batch = 8

    private let port: UInt16
    private let manner: Manner
    private let count: Int
    private let returns: Bool
    private var sockets: [HostileSocket] = []
    private var called = 0
    private var buffer = [UInt8](repeating: 0, count: 65_536)
    private var nextLook = ContinuousClock.now
    private var closed = 0

    /// - Parameter returns: Whether one whom the server closes comes again.
    public init(_ count: Int, _ manner: Manner, at port: UInt16, returns: Bool = false) {
        self.count = count
        self.manner = manner
        self.port = port
        self.returns = returns
    }

    public func step() -> Bool {
        if called < count {
            for _ in 0..<min(Self.batch, count - called) { call() }
            return true
        }
        let now = ContinuousClock.now
        if now < nextLook { return false }
        let isPatient = manner == .readingSlowly || manner == .writingSlowly
        nextLook = now + (isPatient ? .seconds(1) : .milliseconds(50))
        let before = sockets.count
        sockets.removeAll { !act($0) }
        closed += before - sockets.count
        if returns { called -= before - sockets.count }
        return true
    }

    private func call() {
        called += 1
        let isSlow = manner == .neverReading || manner == .readingSlowly
        guard let socket = HostileSocket(to: port, receiveBuffer: isSlow ? Self.smallReceiveBuffer : nil) else { return }
        if manner == .writingSlowly, called.isMultiple(of: 2) { socket.send("#\n") }
        sockets.append(socket)
    }

    /// Returns whether the connection goes on.
    private func act(_ socket: HostileSocket) -> Bool {
        switch manner {
        case .neverReading:
            return !socket.isEnded
        case .readingSlowly:
            var byte: [UInt8] = [0]
            return socket.receive(into: &byte) != .ended && !socket.isEnded
        case .silent:
            return drain(socket)
        case .writingSlowly:
            return drain(socket) && socket.send("#") != .ended
        }
    }

    private func drain(_ socket: HostileSocket) -> Bool {
        while true {
            switch socket.receive(into: &buffer) {
            case .bytes: continue
            case .nothing: return true
            case .ended: return false
            }
        }
    }

    public func end() {
        sockets = []
    }

    public var remarks: [String] {
        closed > 0 ? ["the server closed \(closed) of the slow clients"] : []
    }
}
