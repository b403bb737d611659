/// How long to wait before the next attempt to connect: longer after each that has failed, and never the same for all who have lost the
/// same server, or they would all come back at once.
struct ReconnectDelay {
    private static let first = Duration.milliseconds(500)
    private static let longest = Duration.seconds(30)

    private var limit = Self.first

    /// From half of the limit to all of it. The limit is half a second at first, and doubles with each call, up to half a minute.
    mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        let delay = limit * Double.random(in: 0.5...1, using: &generator)
        limit = min(limit * 2, Self.longest)
        return delay
    }

    /// Begins anew, when a connection has stood.
    mutating func reset() {
        limit = Self.first
    }
}
