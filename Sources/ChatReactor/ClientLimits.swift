public import Reactor

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

    /// The options of clients, with their limits: one object for all of this machine, and one for all others.
    struct OptionsByOrigin {
        private let local: Connection.SharedOptions
        private let remote: Connection.SharedOptions
        private let areSame: Bool

        init(_ options: Connection.Options, local: ClientLimits, remote: ClientLimits) {
            self.local = Connection.SharedOptions(local.applied(to: options))
            self.remote = Connection.SharedOptions(remote.applied(to: options))
            areSame = local == remote
        }

        /// What a listener is to begin with.
        var first: Connection.Options { local.value }

        /// Sets the options of a connection that has just opened. To ask for the address is a system call, which is made only if it
        /// matters.
        func apply(to connection: Connection) {
            if areSame || connection.remoteAddress.map(\.isOnThisMachine) ?? true { return }
            connection.setOptions(remote)
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
