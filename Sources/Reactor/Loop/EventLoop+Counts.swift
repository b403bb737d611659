extension EventLoop {
    /// What a loop has counted since it was made: plain integers, which only grow.
    public struct Counts: Hashable, Sendable {
        /// Connections that listeners have accepted, whoever serves them.
        public internal(set) var acceptedConnections = 0
        /// Bytes that connections have read, whatever their descriptors are.
        public internal(set) var bytesRead = 0
        /// Bytes that the kernel has taken, of connections' own output and of topics.
        public internal(set) var bytesSent = 0
        /// System calls that have sent them.
        public internal(set) var sends = 0

        /// Nothing.
        public init() {}

        /// Adds what another loop has counted.
        public mutating func add(_ other: Counts) {
            acceptedConnections &+= other.acceptedConnections
            bytesRead &+= other.bytesRead
            bytesSent &+= other.bytesSent
            sends &+= other.sends
        }
    }

    /// What the loop has counted until now. Nothing is counted for a caller: to ask costs a copy.
    public var counts: Counts { tally }

    /// A topic has called send(2) itself.
    package func didSend(calls: Int, bytes: Int) {
        tally.sends &+= calls
        tally.bytesSent &+= bytes
    }
}
