public import Reactor

/// What load is put on a server, and for how long.
public struct LoadPlan: Sendable {
    /// What decides when the next lines are sent.
    public enum Pace: Sendable {
        /// A closed loop: that many lines a sender may be under way at once, over all senders and all deliveries together.
        case window(Int)
        /// An open loop: that many lines a second from all senders together, whatever the server makes of them.
        case rate(Double)
    }

    /// How long a line may be, newline included: long enough for its header, and no longer than common servers take.
    public static let lineLengths = 18...65_536

    public var address: SocketAddress
    /// What the connections' bytes pass through; nil for plain ones.
    public var transport: TransportFactory?
    public var wire = Wire.line
    /// How many connections there are, senders included.
    public var connections = 100
    public var senders = 10
    /// With its newline.
    public var lineLength = 64
    public var pace = Pace.window(64)
    public var warmUp = Duration.seconds(1)
    public var duration = Duration.seconds(5)
    /// How many of the connections never read.
    public var stalled = 0
    /// How many of the connections check every line, and take its latency. The others count bytes.
    public var verifiers = 3
    /// Whether lines of others that begin with a number sign are passed over, rather than taken for damage. Then all that read check, since
    /// only they can tell the load's own bytes from others.
    public var toleratesForeignLines = false
    /// Whether an open loop sleeps between its lines. It leaves its core to others then, and pays for it with what a wake-up takes.
    public var sleepsBetweenLines = false
    /// How often a report of what has passed since the last one is made, besides that at the end.
    public var reportInterval: Duration?
    /// The server's process, if its cost is to be measured.
    public var server: Int32?

    public init(address: SocketAddress) {
        self.address = address
    }

    /// How many connections get each line.
    var receiversOfEachLine: Int {
        switch wire.audience {
        case .everybodyElse: connections - stalled - 1
        case .subscribers: connections - stalled - senders
        case .sender: 1
        }
    }

    /// Why the plan cannot be carried out, or nil.
    public var objection: String? {
        if !Self.lineLengths.contains(lineLength) {
            return "a line has from \(Self.lineLengths.lowerBound) to \(Self.lineLengths.upperBound) bytes"
        }
        if !(1...LineHeader.maximumSenderCount).contains(senders) {
            return "there are from 1 to \(LineHeader.maximumSenderCount) senders"
        }
        if senders > connections { return "the senders are among the connections, so there cannot be more of them" }
        if wire.audience == .sender, senders != connections {
            return "an echo has nobody but its sender to go to, so there must be as many senders as connections"
        }
        if receiversOfEachLine < 1 { return "nobody is left to receive" }
        if stalled > connections - senders { return "senders cannot stall, so fewer connections must" }
        return nil
    }
}

/// Why a load could not be put on a server, in one sentence.
public struct LoadFailure: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
