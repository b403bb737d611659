import Broadcast
import Reactor
import ReactorWeb

/// What is said in a relay: a topic that carries the bytes as they are, and another one for those who come by WebSocket, as long as there are
/// any. What is said is made a frame once for all of them.
final class Relay {
    /// What those are sent who speak lines.
    let topic: Topic
    private var frames: Topic?
    private let configuration: Topic.Configuration
    private let pressureGroup = PressureGroup()
    private var frame: [UInt8] = []
    /// What puts in order what is said here and at other servers; nil if this one is on its own, and the log is the order.
    var order: (any Order)? {
        didSet { if oldValue !== order { oldValue?.leave() } }
    }
    /// What topics have counted that are gone.
    private(set) var tally = ChatServer.Counts()
    private let framing: any Framing
    /// That of a log that is shared.
    private let memory: MemoryReservation?
    /// Whether what comes by WebSocket, as lines, is what the other clients speak.
    private let isOfText: Bool

    /// How many bytes of messages are kept at least.
    static func logCapacity(_ configuration: ChatServer.Configuration, readSize: Int) -> Int {
        max(configuration.logCapacity, 4 * (configuration.maximumMessageLength + readSize))
    }

    /// - Parameters:
    ///   - log: The log that this shares with the relays of other loops; nil for one of its own.
    ///   - reservesMemory: Whether the memory of a log that is shared is to be counted here.
    init(
        on loop: EventLoop, _ configuration: ChatServer.Configuration, sharing log: SharedLog? = nil, reservesMemory: Bool = false
    ) throws(Errno) {
        framing = configuration.framing
        isOfText = framing is LineFraming || framing is AutomaticFraming || framing is ChunkFraming
        var options = Topic.Configuration()
        options.capacity = Self.logCapacity(configuration, readSize: loop.configuration.readSize)
        options.policy = configuration.slowClients
        options.highWater = configuration.slowHighWater
        options.skipNotice = { Array((Self.notice(ofSkipped: $0) + "\n").utf8) }
        options.closingNotice = Array((Self.closingNotice + "\n").utf8)
        if let log {
            memory = reservesMemory ? try loop.reserveMemory(log.memorySize) : nil
            topic = Topic(on: loop, sharing: log, configuration: options)
        } else {
            memory = nil
            options.sendThreads = configuration.sendThreads
            topic = try Topic(on: loop, configuration: options)
            // Without memory for the log, the server would relay nothing: that is reported now, and not with the first message.
            try topic.allocateLog()
        }
        options.skipNotice = { Self.frame(Self.notice(ofSkipped: $0)) }
        options.closingNotice = Self.frame(Self.closingNotice)
        // What is no UTF-8 becomes three times as long.
        options.capacity = max(options.capacity, 4 * (3 * configuration.maximumMessageLength + loop.configuration.readSize))
        self.configuration = options
        pressureGroup.add(topic)
    }

    // An embedder may keep what is the order.
    deinit { order?.leave() }

    private static func notice(ofSkipped count: Int) -> String { "! \(count) messages skipped: you are reading too slowly" }

    private static let closingNotice = "! goodbye: you are reading too slowly"

    private static func frame(_ line: String) -> [UInt8] {
        var frame: [UInt8] = []
        _ = WebSocketFraming.server.appendMessage(line.utf8.span, to: &frame)
        return frame
    }

    /// What the server itself says to one client, given without its newline. It is a line, whatever the framing of the relay.
    static func encode(_ line: String, for connection: Connection) -> [UInt8] {
        connection.isWebSocket ? frame(line) : Array((line + "\n").utf8)
    }

    /// The topics that somebody is subscribed to, or may be.
    var topics: [Topic] { [topic, frames].compactMap(\.self) }

    /// Has a connection sent what is said from now on.
    ///
    /// - Throws: `Errno.noMemory` or `.tooManyOpenFiles` if it is the first that comes by WebSocket, and there is no memory for their log.
    func subscribe(_ connection: Connection) throws(Errno) {
        guard connection.isWebSocket else { return topic.subscribe(connection) }
        if let frames { return frames.subscribe(connection) }
        let made = try Topic(on: topic.loop, configuration: configuration)
        try made.allocateLog()
        pressureGroup.add(made)
        frames = made
        made.subscribe(connection)
    }

    /// Lets the topic of those go who come by WebSocket, if there is nobody any more.
    func removeUnusedFrames() {
        guard let frames, frames.subscriberCount == 0 else { return }
        pressureGroup.remove(frames)
        tally.add(frames)
        self.frames = nil
    }

    /// Says what a connection has sent, to everybody but that one.
    ///
    /// - Returns: Whether all was said: see `Topic.publish`.
    func publish(_ messages: borrowing MessageBatch, in range: Range<Int>, from sender: Connection?) -> Bool {
        if let order { return order.submit(messages, in: range, from: sender) }
        return append(messages, in: range, from: sender)
    }

    /// Says it to those who are here.
    func append(_ messages: borrowing MessageBatch, in range: Range<Int>, from sender: Connection?) -> Bool {
        guard let frames else { return topic.publish(messages, in: range, from: sender) }
        var isWhole = true
        if isOfText || sender?.isWebSocket != true {
            isWhole = topic.publish(messages, in: range, from: sender)
        } else {
            for index in range where !messages.withMessage(at: index, publishReframed) { isWhole = false }
        }
        for index in range {
            let isPublished = messages.withMessage(at: index) { publish($0, to: frames, from: sender) }
            if !isPublished { isWhole = false }
        }
        return isWhole
    }

    private func publishReframed(_ content: Span<UInt8>) -> Bool {
        var message: [UInt8] = []
        return framing.appendMessage(content, to: &message) && topic.publish(message.span)
    }

    /// Says one line, given without its newline.
    func publish(_ line: String, from sender: Connection? = nil) -> Bool {
        guard let order else { return append(line, from: sender) }
        let bytes = Array((line + "\n").utf8)
        if bytes.count > topic.maximumMessageLength { return false }
        return MessageBatch.withOne(bytes) { order.submit($0, in: 0..<1, from: sender) }
    }

    /// Says one line to those who are here, given without its newline.
    func append(_ line: String, from sender: Connection? = nil) -> Bool {
        let isPublished = topic.publish(line + "\n", from: sender)
        guard let frames else { return isPublished }
        return publish(line.utf8.span, to: frames, from: sender) && isPublished
    }

    private func publish(_ message: Span<UInt8>, to frames: Topic, from sender: Connection?) -> Bool {
        // Taken out of the property, each access to which would have to be checked.
        var made: [UInt8] = []
        swap(&made, &frame)
        defer { swap(&made, &frame) }
        made.removeAll(keepingCapacity: true)
        // What somebody typed may be a chunk, with its newline.
        var length = message.count
        if length > 0, message[length - 1] == UInt8(ascii: "\n") { length -= 1 }
        if length > 0, length < message.count, message[length - 1] == UInt8(ascii: "\r") { length -= 1 }
        _ = WebSocketFraming.server.appendMessage(message.extracting(first: length), to: &made)
        return frames.publish(made.span, from: sender)
    }
}
