import Broadcast
import Reactor
import TestSupport
import Testing

/// A topic relays messages of any framing: it knows where they end, and looks at nothing in them.
struct FramingTests {
    private let loop: EventLoop

    init() throws {
        // What one turn completes is a quarter of the log at most, so that nobody is overrun.
        var configuration = EventLoop.Configuration()
        configuration.readSize = 2_048
        loop = try EventLoop(configuration: configuration)
    }

    private func makeTopic(policy: SlowSubscriberPolicy, skipNotice: (@Sendable (Int) -> [UInt8])? = nil) throws -> Topic {
        var configuration = Topic.Configuration()
        configuration.capacity = 32_768
        configuration.policy = policy
        configuration.skipNotice = skipNotice
        return try Topic(on: loop, configuration: configuration)
    }

    private func makePeer(in topic: Topic, _ framing: any Framing, sendBuffer: Int32? = nil) throws -> Peer {
        var options = Connection.Options()
        options.framing = framing
        return try Peer(on: loop, in: topic, sendBuffer: sendBuffer, options: options)
    }

    private static let kinds: [(any Framing, @Sendable ([UInt8]) -> [UInt8])] = [
        (.lengthPrefixed(.twoBytes), { LengthPrefixedFraming(.twoBytes).frame($0.span)! }),
        (.nulTerminated, { $0 + [0] }),
        (Netstrings(), { Array("\($0.count):".utf8) + $0 + Array(",".utf8) }),
    ]

    /// Two publish, in pieces that end wherever they like, and one takes bytes so slowly that its messages leave in pieces, too.
    @Test(arguments: 0..<3) func everySubscriberGetsEveryMessageWhole(kind: Int) throws {
        let (framing, frame) = Self.kinds[kind]
        let topic = try makeTopic(policy: .backpressure(stall: .seconds(3_600), grace: .seconds(3_600)))
        let publishers = [try makePeer(in: topic, framing), try makePeer(in: topic, framing)]
        let reader = try makePeer(in: topic, framing)
        let slow = try makePeer(in: topic, framing, sendBuffer: Peer.leastSendBuffer)
        var random = SeededGenerator()
        var published: [[[UInt8]]] = [[], []]
        var unsent: [[UInt8]] = [[], []]
        var wasUnderPressure = false
        var hadSplitMessages = false
        func turn() throws {
            for (index, publisher) in publishers.enumerated() where !unsent[index].isEmpty {
                let piece = unsent[index].prefix(.random(in: 1...2_000, using: &random))
                unsent[index].removeFirst(publisher.write(piece))
            }
            try loop.turn()
            wasUnderPressure = wasUnderPressure || topic.isUnderPressure
            hadSplitMessages = hadSplitMessages || slow.connection!.waitingCount > 0
            slow.read(atMost: .random(in: 0...1_000, using: &random))
            reader.read()
            for publisher in publishers { publisher.read() }
        }
        for number in 0..<1_000 {
            // The first byte says whose it is; none of them is a zero, so that NUL can end them.
            let index = Int.random(in: 0...1, using: &random)
            let content = [UInt8(65 + index)] + random.bytes(number % 5 == 0 ? 900 : number % 50, from: 1...255)
            published[index].append(content)
            unsent[index] += frame(content)
            if number % 3 == 0 { try turn() }
        }
        for _ in 0..<20_000 where !unsent.allSatisfy(\.isEmpty) { try turn() }
        #expect(unsent == [[], []])
        try loop.drain(slow, reader, publishers[0], publishers[1])
        #expect(wasUnderPressure)
        #expect(hadSplitMessages)
        #expect(topic.messageCount == 1_000)
        // Whole messages, the same for all, in the order of each publisher; and nobody gets its own.
        // Compared beforehand: a report of what differs between two long arrays would take hours.
        let isSame = slow.received == reader.received
        #expect(isSame, "\(slow.received.count) and \(reader.received.count) bytes")
        let messages = try contents(of: reader.received, framing)
        for index in 0...1 {
            let own = UInt8(65 + index)
            let isPublished = messages.filter { $0.first == own } == published[index]
            let isWithoutOwn = publishers[index].received == messages.filter { $0.first != own }.flatMap(frame)
            #expect(isPublished)
            #expect(isWithoutOwn)
        }
    }

    /// Takes a stream apart with the framing alone.
    private func contents(of stream: [UInt8], _ framing: any Framing) throws -> [[UInt8]] {
        var contents: [[UInt8]] = []
        var start = 0
        while start < stream.count {
            let rest = stream.span.extracting(start...)
            guard case .length(let length) = framing.messageExtent(in: rest, seen: 0), length <= rest.count else {
                Issue.record("what was received does not end with a message")
                throw Errno.invalidArgument
            }
            let content = framing.content(of: rest.extracting(first: length))
            contents.append(Array(stream[start + content.lowerBound..<start + content.upperBound]))
            start += length
        }
        return contents
    }

    @Test func aGapIsAnnouncedByAMessageOfTheSameFraming() throws {
        let framing = LengthPrefixedFraming(.fourBytes)
        let topic = try makeTopic(policy: .skip) { missed in framing.frame("missed \(missed)".utf8.span)! }
        let slow = try makePeer(in: topic, framing, sendBuffer: Peer.leastSendBuffer)
        let publisher = try makePeer(in: topic, framing)
        for number in 0..<1_000 {
            publisher.write(framing.frame("\(number)\(String(repeating: ".", count: 200))".utf8.span)!)
            try loop.turn()
        }
        try loop.drain(slow)
        let texts = try contents(of: slow.received, framing).map { String(decoding: $0, as: UTF8.self) }
        var next = 0
        for text in texts {
            if text.hasPrefix("missed ") {
                next += try #require(Int(text.dropFirst("missed ".count)))
            } else {
                #expect(text == "\(next)\(String(repeating: ".", count: 200))")
                next += 1
            }
        }
        #expect(next == 1_000)
        #expect(texts.count < 1_000)
    }
}
