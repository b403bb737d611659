import Broadcast
import Reactor
import SimulatedKernel

/// A peer as both sides know it: its end of the stream, and the program's connection for it.
final class Member: ConnectionHandler {
    let number: Int
    let entry: Entry
    let kind: Pipe
    let scenario: Scenario

    /// Its stream's number in the simulated kernel; -1 until it has one.
    var stream: Int32 = -1
    /// The connection, for as long as the program holds it.
    weak var connection: Connection?
    /// The connection's name, which outlives it.
    var id: Connection.ID?
    /// How many bytes the peer has written.
    var writtenCount = 0
    /// What the peer has been sent, opened. Only if there is a transport.
    private var openedBytes: [UInt8] = []
    var framing: FramingOracle
    var delivery = DeliveryOracle()

    struct Lag {
        /// Whether it was behind by more than half of the log at the end of an earlier turn.
        var wasTooFarBehind = false
        /// The first turn after which it should have been closed.
        var overdueSince: Int64?
        /// When it fell behind by more than half of the log.
        var since: Int64?
        /// The same, but when the loop must have noticed it, at the end of a turn.
        var isWaitedForSince: Int64?
        /// Whether it had taken nothing for the stall time by then: so nobody was slowed down for it, and it may be overrun.
        var hadStalled = false
    }

    private(set) var isOpened = false
    private(set) var reason: CloseReason?
    var pauses = 0
    /// What the program was told to do with it.
    var wasFinished = false
    var wasClosed = false
    var finishingSince: Int64?
    /// How far it is behind in each topic's log. Begins anew with a subscription.
    var lags: [Lag]
    /// When connecting is to be given up.
    var deadline: Int64?

    init(_ number: Int, _ entry: Entry, _ kind: Pipe, in scenario: Scenario) {
        self.number = number
        self.entry = entry
        self.kind = kind
        self.scenario = scenario
        let setting = scenario.plan.setting
        framing = FramingOracle(setting.framing, limit: setting.options.maximumMessageLength)
        lags = Array(repeating: Lag(), count: setting.topics.count)
    }

    /// The connection, if it is open.
    var openConnection: Connection? {
        guard let connection, isOpened, reason == nil, connection.isOpen else { return nil }
        return connection
    }

    var isConnecting: Bool { !isOpened && reason == nil && connection != nil }

    /// Whether it gets what is published from now on.
    var isListening: Bool {
        guard let connection = openConnection else { return false }
        return !connection.isFinishing
    }

    var received: Int { stream < 0 ? 0 : world_received_count(stream) }
    var sentCount: Int { stream < 0 ? 0 : world_sent_count(stream) }

    /// Calls `body` with all that the peer has been sent until now, opened.
    func withSentBytes(_ body: (UnsafeBufferPointer<UInt8>) throws(Finding) -> Void) throws(Finding) {
        let sent = unsafe UnsafeBufferPointer(start: world_sent(stream), count: world_sent_count(stream))
        if scenario.plan.setting.recordSize == nil { return try unsafe body(sent) }
        let position = openedBytes.count
        if position < sent.count {
            unsafe openedBytes += sent[position...]
            StreamCipher.change(&openedBytes[position...], from: position)
        }
        // A second reference: `body` may have this asked again.
        let opened = openedBytes
        var finding: Finding?
        unsafe opened.withUnsafeBufferPointer { bytes in
            do throws(Finding) { try unsafe body(bytes) } catch { finding = error }
        }
        if let finding { throw finding }
    }

    // MARK: - ConnectionHandler

    func connectionDidOpen(_ connection: Connection) {
        if isOpened || reason != nil { scenario.record(Finding("a connection opens twice, or after its end")) }
        if stream < 0 { stream = world_newest() }
        isOpened = true
        self.connection = connection
        id = connection.id
        scenario.didOpen(self, connection)
    }

    func connectionDidDrain(_ connection: Connection) {
        if connection.pendingOutput > 0 { scenario.record(Finding("a handler hears of a drain while own output waits")) }
    }

    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
        if connection !== self.connection { scenario.record(Finding("a message is handed to another connection's handler")) }
        if !isOpened || reason != nil { scenario.record(Finding("a message comes before a connection opens, or after its end")) }
        scenario.didReceive(messages, from: self, connection)
    }

    func connectionDidDiscardMessage(_ connection: Connection) {
        scenario.didDiscardLine(of: self, connection)
    }

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        if self.reason != nil { scenario.record(Finding("a connection closes twice")) }
        self.reason = reason
        scenario.didClose(self, reason)
    }
}
