/// Who may come in to a ``ChatServer``, how many at a time, and how often.
///
/// A limit that is set holds for everybody, those on this machine included. Without any, there is one limit alone: to the descriptors of
/// the process, which does not concern those on this machine.
public struct AccessRules: Sendable {
    /// From which addresses somebody may come.
    public var list = AccessList()
    /// How many clients there may be, from 1. With nil, as many as the process may have descriptors (RLIMIT_NOFILE when the server
    /// is made), less what it needs itself; those at loopback addresses and Unix-domain sockets are let in beyond that, as long as there are any.
    public var maximumConnections: Int?
    /// How many clients there may be from one address, from 1, or from one /64 of IPv6; nil for no such limit. All those at
    /// Unix-domain sockets count as one address.
    public var maximumPerAddress: Int?
    /// How many times a minute one address, or one /64 of IPv6, may connect, from 1 to 1,000,000; nil for no such limit. So many may
    /// connect at once; after that, one more each time that its part of a minute has passed. Who is refused is not counted.
    public var connectRate: Int?

    /// Everybody may come in, as long as there are descriptors.
    public init() {}

    /// These, with values that are out of range brought into it.
    var clamped: AccessRules {
        var rules = self
        rules.maximumConnections = maximumConnections.map { max($0, 1) }
        rules.maximumPerAddress = maximumPerAddress.map { max($0, 1) }
        rules.connectRate = connectRate.map { min(max($0, 1), 1_000_000) }
        return rules
    }
}

/// Why a caller was not let in.
@nonexhaustive
public enum AccessRefusal: Hashable, Sendable, CustomStringConvertible {
    /// The access list does not admit the address.
    case denied
    /// The address is banned.
    case banned(Ban)
    /// There are as many clients as there may be.
    case full
    /// There are as many clients from this address as there may be.
    case tooManyFromAddress
    /// The address connects too often.
    case tooOften

    /// What the caller is told, without the `! ` before it.
    public var description: String {
        switch self {
        case .denied: "you may not connect from your address"
        case .banned(let ban): ban.notice
        case .full: "the server is full, try again later"
        case .tooManyFromAddress: "there are too many connections from your address"
        case .tooOften: "your address connects too often, try again in a minute"
        }
    }
}

/// How many callers a ``ChatServer`` has not let in, by the reason.
public struct AccessRefusalCounts: Hashable, Sendable {
    /// Nobody was refused.
    public init() {}

    /// Those whose address the access list does not admit.
    public internal(set) var denied = 0
    /// Those whose address was banned.
    public internal(set) var banned = 0
    /// Those for whom there was no room.
    public internal(set) var full = 0
    /// Those of an address with too many clients.
    public internal(set) var tooManyFromAddress = 0
    /// Those of an address that has connected too often.
    public internal(set) var tooOften = 0

    mutating func count(_ refusal: AccessRefusal) {
        switch refusal {
        case .denied: denied &+= 1
        case .banned: banned &+= 1
        case .full: full &+= 1
        case .tooManyFromAddress: tooManyFromAddress &+= 1
        case .tooOften: tooOften &+= 1
        }
    }
}
