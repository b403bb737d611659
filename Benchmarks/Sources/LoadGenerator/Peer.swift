import Reactor

/// One connection of the load: a receiver that counts, one that checks, one that never reads, or a sender.
final class Peer: ConnectionHandler {
    enum Role {
        /// Gets lines and counts their bytes. May send, too.
        case receiver
        /// Only sends. Its server answers, but not with lines.
        case publisher
        /// Never reads.
        case stalled
    }

    let role: Role
    var verifier: LineVerifier?
    private(set) var connection: Connection?
    /// Whether a line has ever come.
    private(set) var hasHeard = false
    private(set) var closeReason: CloseReason?
    private let traffic: Traffic
    private let wire: Wire

    init(_ role: Role, verifier: LineVerifier? = nil, wire: Wire, traffic: Traffic) {
        self.role = role
        self.verifier = verifier
        self.wire = wire
        self.traffic = traffic
    }

    func connectionDidOpen(_ connection: Connection) {
        self.connection = connection
        if wire == .web {
            // The handshake is over. Frames are counted by their bytes, as lines are.
            var options = connection.options
            options.framing = .chunks
            connection.upgrade(to: options, handler: self)
        }
        connection.send(role == .publisher ? wire.senderGreeting : wire.receiverGreeting)
        if role == .stalled { connection.pauseReading() }
        traffic.opened += 1
    }

    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
        messages.withMessage(at: 0) { bytes in
            if let keepAlive = wire.keepAlive, Self.endsWith(keepAlive.question, bytes) { connection.send(keepAlive.answer) }
            if role != .receiver { return }
            if !hasHeard, bytes.count >= traffic.deliveredLength {
                hasHeard = true
                traffic.audience += 1
            }
            var foreignBytes = 0
            if let before = verifier?.findings.foreignBytes {
                let now = Tick(.now)
                unsafe bytes.withUnsafeBytes { unsafe verifier?.receive($0, at: now) }
                foreignBytes = (verifier?.findings.foreignBytes ?? before) - before
            }
            traffic.didReceive(bytes.count - foreignBytes)
        }
    }

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        closeReason = reason
        // A server may well close a connection that does not read; it may not close any other.
        if role != .stalled { traffic.firstLoss = traffic.firstLoss ?? reason }
    }

    private static func endsWith(_ suffix: [UInt8], _ bytes: Span<UInt8>) -> Bool {
        if bytes.count < suffix.count { return false }
        let start = bytes.count - suffix.count
        return suffix.indices.allSatisfy { bytes[start + $0] == suffix[$0] }
    }
}
