public import Reactor
import ReactorWeb

extension ChatServer {
    /// How much a client may send, and how long it may be silent. What is nil is not limited. `Connection.Options` has the same, and
    /// says what each does.
    public struct ClientLimits: Hashable, Sendable {
        /// How many messages a client may send before it is delayed.
        public var messageRate: RateLimit?
        /// How many bytes a client may send before it is delayed.
        public var byteRate: RateLimit?
        /// How long a client may send nothing.
        public var idleTimeout: Duration?
        /// How long a client may say nothing and be sent nothing, from the beginning. The welcome of a chat counts as sent.
        public var firstMessageTimeout: Duration?
        /// How long what was sent to a client by TCP may stay unacknowledged.
        public var unacknowledgedTimeout: Duration?

        /// No limits.
        public init() {}

        /// Those of people who come from elsewhere: 10 messages a second, and 30 at once.
        public static var ofPeople: ClientLimits {
            var limits = ClientLimits()
            limits.messageRate = RateLimit(perSecond: 10, burst: 30)
            return limits
        }
    }

    /// The options of clients, with their limits: for all of this machine, and for all others.
    struct OptionsByOrigin {
        private let options: Connection.Options
        private var local: OptionsByInput
        private var remote: OptionsByInput

        var localLimits: ClientLimits { didSet { local = OptionsByInput(localLimits.applied(to: options)) } }
        var remoteLimits: ClientLimits { didSet { remote = OptionsByInput(remoteLimits.applied(to: options)) } }

        /// What a client sends.
        enum Input {
            case lines
            /// Those of WebSocket.
            case frames
            case irc
        }

        /// One object for all who send the same.
        private struct OptionsByInput {
            let lines: Connection.SharedOptions
            let frames: Connection.SharedOptions
            let irc: Connection.SharedOptions

            init(_ options: Connection.Options) {
                lines = Connection.SharedOptions(options)
                frames = Connection.SharedOptions(WebSocketHandler.connectionOptions(options, role: .server))
                var options = options
                options.framing = .lines
                // What is too long is told from what is much too long: see `IRCClient.receive`.
                options.maximumMessageLength = 2 * (IRCClient.tagLimit + IRCForm.lengthLimit)
                // The names of all who are in a room are one answer, so that nobody comes or goes amid it.
                options.maximumPendingOutput = max(options.maximumPendingOutput, IRCClient.answerLimit)
                irc = Connection.SharedOptions(options)
            }
        }

        init(_ configuration: Configuration) {
            let isChat = configuration.chat != nil
            var options = Connection.Options()
            options.framing = configuration.framing
            options.maximumMessageLength = configuration.maximumMessageLength
            // A person may have to wait for the next turn after any line: see `Conversation.holdBackIfFull`.
            options.batchesMessages = !isChat
            // What one line makes has to fit in after what may wait already: a private message, or the last line of a replay.
            if isChat { options.maximumPendingOutput += 2 * WireForm.longestMessage(sent: configuration.maximumMessageLength) }
            self.options = options
            localLimits = configuration.localLimits
            remoteLimits = configuration.limits ?? (isChat ? .ofPeople : ClientLimits())
            local = OptionsByInput(localLimits.applied(to: options))
            remote = OptionsByInput(remoteLimits.applied(to: options))
        }

        /// The options of a client that comes from an address, or of one of which nobody knows from where.
        subscript(address: SocketAddress?, input: Input) -> Connection.SharedOptions {
            let options = address?.isOnThisMachine == true ? local : remote
            return switch input {
            case .lines: options.lines
            case .frames: options.frames
            case .irc: options.irc
            }
        }
    }
}

extension ChatServer.ClientLimits {
    fileprivate func applied(to options: Connection.Options) -> Connection.Options {
        var options = options
        options.messageRate = messageRate
        options.byteRate = byteRate
        options.idleTimeout = idleTimeout
        options.firstMessageTimeout = firstMessageTimeout
        options.unacknowledgedTimeout = unacknowledgedTimeout
        return options
    }
}
