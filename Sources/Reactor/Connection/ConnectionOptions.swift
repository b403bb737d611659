extension Connection {
    /// The settings of a connection, or of all connections of a listener. Values that are out of range are clamped.
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
        /// Whether the messages of one read are delivered together. If not, each is delivered alone, and a handler can pause after
        /// any of them, or replace itself and the framing: see `Connection.pauseReading` and `upgrade`. That costs a call for
        /// each message.
        public var batchesMessages = true
        /// How many bytes that were passed to `send` may wait for the peer, from 0 to 1 GiB. A `send` that would exceed it closes
        /// the connection, with the reason `outputOverflow`. A topic's messages do not count.
        public var maximumPendingOutput = 1_048_576
        /// How long a finishing connection may take to send what waits, before it closes with the reason `tooSlow`; nil for as
        /// long as the peer likes. A connection that cannot send any more, and whose reading is paused, is kept as long.
        public var flushTimeout: Duration? = .seconds(30)
        /// Whether the connection stays open for sending at the end of its input. If so, the handler gets
        /// `connectionDidReadToEnd`, and ends the connection when it likes. If not, the connection finishes at the end of
        /// input. The connections of tasks always allow it.
        public var allowsHalfClose = false
        /// How long a connection that has sent everything waits for its peer to shut down its side. With zero the connection
        /// closes as soon as everything is sent.
        public var lingerTimeout = Duration.seconds(1)
        /// How many bytes a TCP socket takes beyond what its peer's window admits; 0 leaves that to the system. It bounds the
        /// kernel's memory for a peer that does not read. From 0 to 2³¹ - 1. See `TCP_NOTSENT_LOWAT` in tcp(7).
        public var unsentLowWater = 131_072
        /// How many messages the peer may send; nil for no limit. A peer that sends more is delayed: the next message is delivered, and
        /// the socket read again, once that is allowed. Nothing is lost. Each message is then delivered alone, as if `batchesMessages`
        /// were false, and one that is too long counts, too. A chunk is a message.
        ///
        /// Of a peer that has closed its connection meanwhile, what has come is still delivered at this rate. If it has reset the
        /// connection, that takes no longer than `flushTimeout`.
        public var messageRate: RateLimit?
        /// How many bytes the peer may send; nil for no limit. A peer that sends more is delayed as with `messageRate`. What one read
        /// brings, 4,096 bytes at most without a transport and if the messages are no chunks, is delivered at once, even if that is
        /// more than is allowed: then the delay is longer. With a transport, sealed bytes are counted.
        public var byteRate: RateLimit?
        /// How long the peer may send nothing, before the handler's `connectionDidTimeOut` closes the connection with the reason
        /// `idleTimedOut`; nil for as long as it likes. Time in which reading is paused, by a handler, a topic or a rate, does not count.
        /// A negative time counts as zero.
        public var idleTimeout: Duration?
        /// How long after the connection has opened the first message may take, before `connectionDidTimeOut` closes the connection
        /// with the reason `firstMessageTimedOut`: one that the peer has sent whole, or anything that was sent to it. Nil for as long
        /// as it likes. Time in which reading is paused does not count. A negative time counts as zero.
        public var firstMessageTimeout: Duration?
        /// How long bytes that were sent by TCP may stay unacknowledged, or unsent because the peer does not read, before the kernel
        /// closes the connection with the reason `failed(.timedOut)`. From a millisecond to 24 days. With nil, that is about a quarter of
        /// an hour, and no limit for a peer that is there and does not read. It is ignored where there is no TCP.
        ///
        /// The corresponding C constant is `TCP_USER_TIMEOUT`.
        public var unacknowledgedTimeout: Duration?
        /// Whether the connection may be closed when all of them hold more memory than `EventLoop.Configuration.memoryLimit`. What it holds counts in
        /// any case. False is for those few that are the process's own, such as its standard output.
        public var closesAtMemoryLimit = true
        /// What each connection's bytes pass through, such as TLS; nil for plain bytes. The connection opens once the transport's handshake
        /// is complete, and closes with the reason `transportFailed` if the transport fails: it never goes on without.
        public var transport: TransportFactory?
        /// How long the handshake of a transport may take, before the connection closes with the reason `handshakeTimedOut`.
        public var handshakeTimeout = Duration.seconds(10)

        /// Lines of 65,536 bytes at most, a megabyte of output that waits, and the other defaults below.
        public init() {}

        /// Whether anything limits how much the peer may send, or how long it may be silent.
        var hasInputLimits: Bool { messageRate != nil || byteRate != nil || idleTimeout != nil || firstMessageTimeout != nil }

        /// The length of message nearest to the given one that a connection allows.
        package static func messageLength(nearest length: Int) -> Int { min(max(length, 1), 1 << 30) }
    }

    /// The clamped options, and what follows from them. All connections of a listener share one object.
    package final class SharedOptions: Sendable {
        package let value: Options
        let format: Format
        /// The framing's longest envelope. It is asked for once, since the read buffer's room and the parser's limit must agree.
        let envelopeLimit: Int
        /// How many bytes of an unfinished message are kept at most.
        var longestTail: Int { value.maximumMessageLength &+ envelopeLimit }

        /// Whether each message is delivered alone.
        let deliversSingly: Bool
        /// How many bytes a read may bring at most. What is read of a peer with a rate is counted only then, and may have to wait here.
        let readLimit: Int

        /// The kind of framing, found out once and not with every read.
        enum Format {
            case lines
            case automatic(AutomaticFraming)
            case chunks
            case other
        }

        package init(_ value: Options) {
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
            deliversSingly = !value.batchesMessages || value.messageRate != nil
            // Chunks are what reads bring, and stay as long as they are.
            let isLimited = value.messageRate != nil || value.byteRate != nil
            if isLimited, !(value.framing is ChunkFraming) { readLimit = 4_096 } else { readLimit = .max }
        }
    }
}
