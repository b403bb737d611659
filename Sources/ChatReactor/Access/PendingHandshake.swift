import Reactor
import Synchronization

/// A caller that was let in, and is no client yet: it is amid a handshake, or on its way to the loop that is to serve it. It
/// counts as long as there is this, or until it is a client: see `SharedGate.clientDidJoin`.
final class PendingHandshake: Sendable {
    private let gate: SharedGate
    let origin: AddressOrigin
    private let isOver = Atomic(false)

    init(of caller: SocketAddress, at gate: SharedGate) {
        self.gate = gate
        origin = AddressOrigin(caller)
        gate.beginHandshake(from: origin)
    }

    /// For `SharedGate.admit`, which has counted it.
    init(counted origin: AddressOrigin, at gate: SharedGate) {
        self.gate = gate
        self.origin = origin
    }

    deinit {
        if end() { gate.endHandshake(from: origin) }
    }

    /// Has it count no more when it is released. Returns false if that was so already.
    func end() -> Bool { !isOver.exchange(true, ordering: .relaxed) }
}
