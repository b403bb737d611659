import Glibc
import Reactor

/// Where all that decides about a caller is asked: the access list, the bans, and the limits.
struct Gate {
    /// The rules, clamped.
    private(set) var rules: AccessRules
    /// Those of the rules, to be looked up.
    private var proxies: AddressTable<Void>
    private var webProxies: AddressTable<Void>
    /// How many clients the process has descriptors for.
    private let room: Int
    private var connectRate: ConnectRate?
    /// How many clients there are of each origin, and of which each client is: kept only with a limit for each.
    private var counts: [AddressOrigin: Int] = [:]
    private var origins: [ClientKey: AddressOrigin] = [:]
    /// How many callers of each origin are in a handshake, and are no clients yet.
    private var handshakes: [AddressOrigin: Int] = [:]
    private var handshakeCount = 0

    /// A client, among those of several loops, on each of which there may be a connection of the same name.
    struct ClientKey: Hashable {
        let server: Int
        let id: Connection.ID
    }

    /// - Parameter reserve: How many descriptors the server may need besides those of its clients.
    init(_ rules: AccessRules, reserve: Int) {
        self.rules = rules.clamped
        room = Self.room(reserving: reserve)
        connectRate = self.rules.connectRate.map { ConnectRate(limit: $0) }
        proxies = Self.table(of: rules.proxies)
        webProxies = Self.table(of: rules.webProxies)
    }

    private static func table(of blocks: [AddressBlock]) -> AddressTable<Void> {
        var table = AddressTable<Void>()
        for block in blocks { table.insert((), for: block) }
        return table
    }

    /// How many descriptors there are for clients, which is half of all at least. The corresponding C function is `getrlimit`.
    private static func room(reserving reserve: Int) -> Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
        let all = Int(clamping: limit.rlim_cur)
        return all - min(reserve, all / 2)
    }

    /// Whether it has to be told who enters and leaves.
    var countsOrigins: Bool { rules.maximumPerAddress != nil }

    /// Replaces the rules. Nobody is closed by it.
    ///
    /// - Returns: Whether a limit for each address is new: then those who are there have to be entered.
    mutating func setRules(_ new: AccessRules) -> Bool {
        let old = rules
        rules = new.clamped
        // The buckets stay as full as they are if the rate is the same.
        if rules.connectRate != old.connectRate { connectRate = rules.connectRate.map { ConnectRate(limit: $0) } }
        if rules.proxies != old.proxies { proxies = Self.table(of: rules.proxies) }
        if rules.webProxies != old.webProxies { webProxies = Self.table(of: rules.webProxies) }
        if countsOrigins { return old.maximumPerAddress == nil }
        counts = [:]
        origins = [:]
        return false
    }

    /// Whether a caller is a proxy, which has to say for whom it calls.
    func isProxy(_ caller: SocketAddress) -> Bool { proxies.first(of: caller) != nil }

    /// Whether a caller is a proxy of HTTP, which says so in the heads of its requests.
    func isWebProxy(_ caller: SocketAddress) -> Bool { webProxies.first(of: caller) != nil }

    /// Why an address may not come at all, now; nil if it may.
    func exclusion(of caller: SocketAddress, bans: BanList?) -> AccessRefusal? {
        if !rules.list.admits(caller) { return .denied }
        return bans?.ban(of: caller).map { .banned($0) }
    }

    /// Why a caller is not let in, or nil if it is: then that is counted as its having connected. What costs the least is asked first, and
    /// how often somebody connects last, so that only those count who get in.
    mutating func refusal(
        of caller: SocketAddress, clientCount: Int, bans: BanList?, now: ContinuousClock.Instant = .now
    ) -> AccessRefusal? {
        if let exclusion = exclusion(of: caller, bans: bans) { return exclusion }
        let count = clientCount + handshakeCount
        if let limit = rules.maximumConnections {
            if count >= limit { return .full }
        } else if count >= room, !caller.isOnThisMachine {
            return .full
        }
        if rules.maximumPerAddress == nil, connectRate == nil { return nil }
        let origin = AddressOrigin(caller)
        if let limit = rules.maximumPerAddress, counts[origin, default: 0] + handshakes[origin, default: 0] >= limit {
            return .tooManyFromAddress
        }
        return connectRate?.admits(origin, at: now) == false ? .tooOften : nil
    }

    /// Counts a caller that begins a handshake. Without this, one address could have any number of them under way.
    mutating func beginHandshake(from origin: AddressOrigin) {
        handshakeCount += 1
        handshakes[origin, default: 0] += 1
    }

    /// Takes that back: the caller is a client from now on, or has gone.
    mutating func endHandshake(from origin: AddressOrigin) {
        handshakeCount -= 1
        let count = handshakes[origin, default: 1] - 1
        handshakes[origin] = count > 0 ? count : nil
    }

    /// Counts a client that has come in, if that is needed.
    mutating func enter(_ client: ClientKey, from address: SocketAddress) {
        guard countsOrigins, origins[client] == nil else { return }
        let origin = AddressOrigin(address)
        origins[client] = origin
        counts[origin, default: 0] += 1
    }

    /// Takes that back. Does nothing about a client that was not counted.
    mutating func leave(_ client: ClientKey) {
        guard !origins.isEmpty, let origin = origins.removeValue(forKey: client) else { return }
        let count = counts[origin, default: 1] - 1
        counts[origin] = count > 0 ? count : nil
    }
}
