import Reactor

/// What all connections of a load have sent and received together, and the closed loop that makes the one follow the other.
///
/// A closed loop lets a number of lines be under way; what has arrived makes room for as many more. It sends a quarter of a
/// sender's window at a time, each time from the next sender, as independent senders would that act on what they see.
final class Traffic {
    let deliveredLength: Int
    private let receiversOfEachLine: Int
    private(set) var senders: [Peer] = []
    private var block: LineBlock
    private var nextSender = 0
    private var window = 0
    private var batch = 1
    /// How many bytes must have been received before more lines are sent.
    private var nextSendAt = Int.max

    // What has happened until now.
    var opened = 0
    /// How many of the receivers have got a line.
    var audience = 0
    var firstLoss: CloseReason?
    private(set) var receivedBytes = 0
    private(set) var readCount = 0
    private(set) var sentBySender: [UInt32] = []
    private(set) var sent = 0

    init(_ plan: LoadPlan) {
        let line = Frame.blankLine(length: plan.lineLength)
        deliveredLength = plan.wire.delivered(line).count
        receiversOfEachLine = plan.receiversOfEachLine
        var capacity = 1
        if case .window(let window) = plan.pace {
            self.window = window
            batch = max(window / 4, 1)
            capacity = batch
        }
        block = LineBlock(capacity: capacity, of: plan.wire.published(line))
    }

    /// How many lines were delivered: one line counts once for each of its receivers.
    var deliveries: Int { receivedBytes / deliveredLength }

    /// How many deliveries are still due.
    var outstanding: Int { sent * receiversOfEachLine - deliveries }

    func didReceive(_ count: Int) {
        receivedBytes &+= count
        readCount &+= 1
        if receivedBytes >= nextSendAt { sendWhatFits() }
    }

    /// Begins to count, with nothing under way.
    func begin(from senders: [Peer]) {
        self.senders = senders
        sentBySender = Array(repeating: 0, count: senders.count)
        sent = 0
        receivedBytes = 0
    }

    // MARK: - The closed loop

    func openWindow() {
        nextSendAt = 0
        sendWhatFits()
    }

    /// Sends nothing more, however much arrives.
    func closeWindow() {
        nextSendAt = .max
    }

    private func sendWhatFits() {
        while receivedBytes >= nextSendAt {
            send(batch, from: nextSender, at: Tick(.now))
            nextSender = nextSender + 1 == senders.count ? 0 : nextSender + 1
            let room = window * senders.count - batch
            nextSendAt = (sent - room) * receiversOfEachLine * deliveredLength
        }
    }

    // MARK: - Sending

    /// Sends lines of one sender, all with the time at which they should leave.
    func send(_ count: Int, from sender: Int, at time: Tick) {
        guard let connection = senders[sender].connection else { return }
        block.send(count, from: LineHeader(number: sentBySender[sender], sender: UInt32(sender), time: time), to: connection)
        sentBySender[sender] &+= UInt32(count)
        sent += count
    }

    /// Sends a line that only shows who receives.
    func probe(from sender: Peer) {
        guard let connection = sender.connection else { return }
        block.send(1, from: LineHeader(number: 0, sender: LineHeader.prober, time: Tick(.now)), to: connection)
    }
}
