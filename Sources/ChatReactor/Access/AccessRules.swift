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

    /// From which addresses proxies connect, such as load balancers, that say for whom by the PROXY protocol, version 1 or 2. Such a
    /// connection has to begin with that header, and is closed if it does not within ten seconds; all that is said about an address, here
    /// and elsewhere, is about the one in the header. Of somebody whom the proxy does not name, it is the proxy's own. What a proxy connects
    /// for itself is no client. From all other addresses, such a header is a message like any other.
    public var proxies: [AddressBlock] = []

    /// From which addresses proxies of HTTP connect, which say in `Forwarded` or `X-Forwarded-For` for whom. If a field names
    /// several addresses, the last counts that is none of these. If both are there, they must name the same one, since a proxy passes on the
    /// one that it does not write itself. From all other addresses, the two say nothing.
    public var webProxies: [AddressBlock] = []
    /// The pages besides the server's own whose visitors may come by WebSocket: what browsers send as `Origin`, such as
    /// `https://chat.example.org`. What is no browser sends none, and may come in any case.
    public var webOrigins: [String] = []

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
    /// One of the proxies has not said for whom it connects.
    case badProxyHeader
    /// A page of another site has asked for a WebSocket.
    case foreignOrigin

    /// Which of the cases it is, without what comes with it. The raw values are the words for programs: labels of metrics are like that.
    ///
    /// A later version may add some, so a `switch` over them in another package needs an `@unknown default`.
    @nonexhaustive
    public enum Kind: String, CaseIterable, Sendable {
        case denied
        case banned
        case full
        case tooManyFromAddress = "too_many_from_address"
        case tooOften = "too_often"
        case badProxyHeader = "bad_proxy_header"
        case foreignOrigin = "foreign_origin"
    }

    /// Which of the cases it is.
    public var kind: Kind {
        switch self {
        case .denied: .denied
        case .banned: .banned
        case .full: .full
        case .tooManyFromAddress: .tooManyFromAddress
        case .tooOften: .tooOften
        case .badProxyHeader: .badProxyHeader
        case .foreignOrigin: .foreignOrigin
        }
    }

    /// What the caller is told, without the `! ` before it. A proxy is told nothing.
    public var description: String {
        switch self {
        case .badProxyHeader: "the proxy has not said for whom it connects"
        case .foreignOrigin: "this page may not connect here: see --web-origin"
        case .denied: "you may not connect from your address"
        case .banned(let ban): ban.notice
        case .full: "the server is full, try again later"
        case .tooManyFromAddress: "there are too many connections from your address"
        case .tooOften: "your address connects too often, try again in a minute"
        }
    }
}
