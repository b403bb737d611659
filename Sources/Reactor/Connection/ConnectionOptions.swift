extension Connection {
    /// What one connection, or all those of a listener, are set to. What is out of range is brought into it.
    ///
    /// ```swift
    /// var options = Connection.Options()
    /// options.framing = .lengthPrefixed(.twoBytes)
    /// options.maximumMessageLength = 4_096
    /// try loop.listen(on: .loopback(port: 3001), options: options, handler: handler)
    /// ```
    public struct Options: Sendable {
        /// How bytes become messages.
        public var framing: any Framing = .lines
        /// How long a message may be, in bytes of content: a line without its newline. Chunks know no such limit. From 1 to
        /// 1 GiB.
        public var maximumMessageLength = 65_536
        /// Whether the messages of one read are delivered together. If not, each is delivered alone, so that a handler can replace
        /// itself and the framing after any of them: see `Connection.upgrade`. That costs a call for each message.
        public var batchesMessages = true
        /// How many bytes passed to `send` may wait for the peer, from 0 to 1 GiB. A `send` beyond it closes the connection, with
        /// the reason `outputOverflow`. What a topic's log holds does not count.
        public var maximumPendingOutput = 1_048_576
        /// How long a connection that is finishing has for what still waits for its peer, before it is closed with the reason
        /// `tooSlow`. Nil: for as long as the peer likes.
        public var flushTimeout: Duration? = .seconds(30)
        /// Whether a connection can still be sent to once its peer has nothing more to send: the handler's `connectionDidReadToEnd` is called
        /// then, and decides. If not, the connection finishes at the end of input. Asynchronous connections always allow it.
        public var allowsHalfClose = false
        /// How long a connection that was finished on this side waits for its peer to agree. Zero closes it as soon as all is
        /// sent.
        public var lingerTimeout = Duration.seconds(1)
        /// How many bytes a TCP socket takes beyond what its peer's window admits; 0 leaves that to the system. It bounds the
        /// kernel's memory for a peer that does not read. See `TCP_NOTSENT_LOWAT` in tcp(7).
        public var unsentLowWater = 131_072
        /// Makes the transport of each connection; nil for plain bytes. If it throws, the connection closes: it never goes on without.
        package var makeTransport: (@Sendable (TransportRole) throws(TransportFailure) -> any Transport)?
        /// How long the handshake of a transport may take.
        package var handshakeTimeout = Duration.seconds(10)

        /// Lines of 65,536 bytes at most, a megabyte of output that waits, and the other defaults below.
        public init() {}

        /// The length of message nearest to the given one that a connection allows.
        package static func messageLength(nearest length: Int) -> Int { min(max(length, 1), 1 << 30) }
    }

    /// The options are the same for all connections of a listener: each keeps one reference.
    final class SharedOptions {
        let value: Options
        let format: Format
        /// The framing's longest envelope, asked for once: what the read buffer has room for must be what the parser allows.
        let envelopeLimit: Int
        /// How many bytes of an unfinished message are kept at most.
        var longestTail: Int { value.maximumMessageLength &+ envelopeLimit }

        /// The framing, told apart once and not with every read.
        enum Format {
            case lines
            case automatic(AutomaticFraming)
            case chunks
            case other
        }

        init(_ value: Options) {
            var value = value
            value.maximumMessageLength = Options.messageLength(nearest: value.maximumMessageLength)
            value.maximumPendingOutput = min(max(value.maximumPendingOutput, 0), 1 << 30)
            self.value = value
            switch value.framing {
            case is LineFraming: format = .lines
            case let framing as AutomaticFraming: format = .automatic(framing)
            case is ChunkFraming: format = .chunks
            default: format = .other
            }
            envelopeLimit = value.framing.envelopeLimit
        }
    }
}
