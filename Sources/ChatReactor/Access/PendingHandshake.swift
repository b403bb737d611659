import Reactor

/// A caller that was let in, and is no client yet: it is amid a handshake, or on its way to the loop that is to serve it. It counts as long as there is
/// this.
final class PendingHandshake: Sendable {
    private let gate: SharedGate
    private let origin: AddressOrigin

    init(of caller: SocketAddress, at gate: SharedGate) {
        self.gate = gate
        origin = AddressOrigin(caller)
        gate.beginHandshake(from: origin)
    }

    deinit { gate.endHandshake(from: origin) }
}
