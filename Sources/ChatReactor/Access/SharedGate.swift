import Reactor
import Synchronization

/// The gate of a server, or that of all servers of a group, which are on several threads.
///
/// Nothing of an embedder's is called under its lock, or released there.
final class SharedGate: Sendable {
    private struct State: Sendable {
        var gate: Gate
        var clientCount = 0
    }

    private let state: Mutex<State>

    init(_ gate: Gate) {
        state = Mutex(State(gate: gate))
    }

    /// How many clients there are, on all loops.
    var clientCount: Int { state.withLock(\.clientCount) }

    var rules: AccessRules { state.withLock(\.gate.rules) }

    /// See `Gate.setRules(_:)`.
    func setRules(_ rules: AccessRules) -> Bool { state.withLock { $0.gate.setRules(rules) } }

    var countsOrigins: Bool { state.withLock(\.gate.countsOrigins) }

    func isProxy(_ caller: SocketAddress) -> Bool { state.withLock { $0.gate.isProxy(caller) } }

    func isWebProxy(_ caller: SocketAddress) -> Bool { state.withLock { $0.gate.isWebProxy(caller) } }

    func exclusion(of caller: SocketAddress, bans: BanList?) -> AccessRefusal? {
        state.withLock { $0.gate.exclusion(of: caller, bans: bans) }
    }

    func refusal(of caller: SocketAddress, bans: BanList?) -> AccessRefusal? {
        state.withLock { $0.gate.refusal(of: caller, clientCount: $0.clientCount, bans: bans) }
    }

    /// Counts a caller that gets in, until it is a client. In one step: otherwise two loops that ask at the same time would both
    /// let in the last for whom there is room.
    func admit(_ caller: SocketAddress, bans: BanList?) -> Admission {
        let origin = AddressOrigin(caller)
        let refusal = state.withLock { state in
            let refusal = state.gate.refusal(of: caller, clientCount: state.clientCount, bans: bans)
            if refusal == nil { state.gate.beginHandshake(from: origin) }
            return refusal
        }
        return refusal.map { .refused($0) } ?? .admitted(PendingHandshake(counted: origin, at: self))
    }

    enum Admission {
        case admitted(PendingHandshake)
        case refused(AccessRefusal)
    }

    func beginHandshake(from origin: AddressOrigin) { state.withLock { $0.gate.beginHandshake(from: origin) } }

    func endHandshake(from origin: AddressOrigin) { state.withLock { $0.gate.endHandshake(from: origin) } }

    /// Counts a client that is there already.
    func enter(_ client: Gate.ClientKey, from address: SocketAddress) { state.withLock { $0.gate.enter(client, from: address) } }

    /// Counts a client that has come in, and no more as one that is on its way.
    ///
    /// - Parameter address: Needed if `countsOrigins`.
    func clientDidJoin(_ client: Gate.ClientKey, from address: SocketAddress?, after handshake: PendingHandshake?) {
        state.withLock { state in
            if let handshake, handshake.end() { state.gate.endHandshake(from: handshake.origin) }
            state.clientCount += 1
            if let address { state.gate.enter(client, from: address) }
        }
    }

    func clientDidLeave(_ client: Gate.ClientKey) {
        state.withLock { state in
            state.clientCount -= 1
            state.gate.leave(client)
        }
    }
}
