public import Reactor

/// How a ``RelayCluster`` or a ``ChatCluster`` is set up. Values that are out of range are clamped.
public struct ClusterConfiguration: Sendable {
    /// Where the stream is.
    public var place: RedisPlace
    /// What its host's name stands for, one at least: they are tried in turn.
    public var addresses: [SocketAddress]
    /// What the connections to Redis pass through, TLS as a rule: a place of `rediss:` needs it. Nil for plain bytes.
    public var transport: TransportFactory?
    /// What Redis asks for; nil if it asks for none. At first that of the place.
    public var password: String?
    /// About how many entries the stream keeps, from 100. A relay that is cut off for longer misses what is older; a chat has its people come again.
    /// An entry has what one server's clients have said or done within a turn, 64 KiB at most or one message.
    public var streamLength = 20_000
    /// How long clients are paused, and people wait, when the stream is away.
    public var grace = Duration.seconds(5)

    /// With the defaults above.
    public init(at place: RedisPlace, addresses: [SocketAddress]) {
        (self.place, self.addresses, password) = (place, addresses, place.password)
    }
}
