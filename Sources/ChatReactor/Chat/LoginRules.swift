/// Who has to log in to a chat, and how often somebody may try. What is out of range is clamped.
public struct LoginRules: Sendable, Equatable {
    /// Whether nobody takes part, neither speaking nor hearing what is said, before a login. Newcomers are asked for one.
    public var isRequired = false
    /// From where somebody may come who takes part without a login all the same.
    public var guests: [AddressBlock] = []
    /// Whether that goes for those of this machine too, who come from a loopback address or to a Unix-domain socket.
    public var admitsLocalGuests = false
    /// How long a newcomer may take to log in, if it must: from a second.
    public var timeout = Duration.seconds(60)
    /// How many passwords a minute are judged for one address, or a /64 of IPv6, and for one name: so many at once, and then evenly
    /// spread. From 1 to 1,000,000. What was right does not count. The addresses of this machine have no such limit, and neither has a name
    /// for an address from which somebody has logged in under it: so nobody locks it out.
    public var rate = 10
    /// Whether a password may come over a connection that others may listen to: one that is neither encrypted nor of this machine.
    public var allowsPlainConnections = false

    /// Anybody may take part, and whoever wants to log in does so over a private connection.
    public init() {}

    var clamped: LoginRules {
        var clamped = self
        clamped.timeout = max(timeout, .seconds(1))
        clamped.rate = min(max(rate, 1), 1_000_000)
        return clamped
    }
}

/// Why somebody was not logged in. The description is a line for who has tried.
@nonexhaustive
public enum LoginRefusal: String, Error, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    /// The password is not right, or nobody has the name.
    case wrong
    /// The connection is one that others may listen to.
    case plain
    /// Too many passwords were judged for the address, or for the name.
    case tooOften = "too_often"
    /// Too many wait for judgement.
    case busy
    /// The name is banned.
    case banned

    public var description: String {
        switch self {
        case .wrong: "that is not the password of that name, or nobody has the name"
        case .plain: "this connection is not encrypted: others may have read the password, which was not looked at"
        case .tooOften: "there were too many attempts to log in, try again in a minute"
        case .busy: "too many are logging in, try again later"
        case .banned: "that name is banned"
        }
    }
}
