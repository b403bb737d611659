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

    func beginHandshake(from origin: AddressOrigin) { state.withLock { $0.gate.beginHandshake(from: origin) } }

    func endHandshake(from origin: AddressOrigin) { state.withLock { $0.gate.endHandshake(from: origin) } }

    func enter(_ client: Gate.ClientKey, from address: SocketAddress) { state.withLock { $0.gate.enter(client, from: address) } }

    func clientDidJoin() { state.withLock { $0.clientCount += 1 } }

    func clientDidLeave(_ client: Gate.ClientKey) {
        state.withLock { state in
            state.clientCount -= 1
            state.gate.leave(client)
        }
    }
}
