import Broadcast
import Reactor
import SimulatedKernel

/// What a scenario takes place in: how the loop, the connections and the topics are set, and how malicious the kernel is.
struct Setting {
    var loop = EventLoop.Configuration()
    var framing: FramingOracle.Kind
    var options = Connection.Options()
    var topics: [Topic.Configuration] = []
    var faults = kernel_faults()
    /// Whether a line that is too long closes its connection.
    var closesOnLongLines = false
    /// Whether messages are published even under pressure.
    var isReckless = false
    /// How many bytes a record of the transport has; nil for no transport.
    var recordSize: Int?

    /// The options of a connection whose stream `stream` will tell once it has one.
    func connectionOptions(stream: @escaping () -> Int32) -> Connection.Options {
        guard let recordSize else { return options }
        var options = options
        // Everything here happens on one thread.
        nonisolated(unsafe) let stream = stream
        options.transport = TransportFactory { _ throws(TransportFailure) in
            unsafe StreamCipher(recordSize: recordSize, stream: stream)
        }
        return options
    }

    /// The options of those that a listener accepts.
    var acceptedOptions: Connection.Options {
        guard let recordSize else { return options }
        var options = options
        options.transport = TransportFactory { _ throws(TransportFailure) in
            let stream = world_newest()
            return StreamCipher(recordSize: recordSize) { stream }
        }
        return options
    }

    init(using random: inout SeededGenerator) {
        loop.readSize = random.element(of: [1, 7, 64, 64, 512, 512, 2_048, 4_096])
        loop.readBudget = random.element(of: [1, 64, 512, 4_096])
        loop.acceptBudget = random.number(1...4)
        loop.eventsPerWait = random.element(of: [1, 2, 3, 16, 64])

        framing = random.element(of: [.lines, .lines, .automatic(idle: .milliseconds(50)), .chunks])
        options.framing = framing.framing
        options.maximumMessageLength = framing == .lines && random.oneIn(3) ? random.number(1...80) : 65_536
        options.maximumPendingOutput = random.oneIn(4) ? random.number(0...600) : 1_048_576
        options.flushTimeout = random.oneIn(4) ? nil : .milliseconds(random.number(1...5_000))
        options.lingerTimeout = random.oneIn(4) ? .zero : .milliseconds(random.number(1...2_000))
        closesOnLongLines = random.oneIn(3)
        isReckless = random.oneIn(4)

        if random.oneIn(3) { recordSize = random.element(of: [1, 7, 100, 2_000]) }

        for index in 0..<random.number(1...2) {
            var topic = Topic.Configuration()
            topic.capacity = random.element(of: [4_096, 4_096, 8_192])
            topic.policy = random.element(of: [
                .skip, .disconnect, .backpressure(),
                .backpressure(stall: .milliseconds(random.number(1...300)), grace: .milliseconds(random.number(1...900))),
            ])
            topic.sendBudget = random.oneIn(3) ? random.number(1...1_024) : 262_144
            topic.skipNotice = { Array("?\(index)\($0)\n".utf8) }
            // The path of threads that send, with none: so it is the same each time.
            if random.oneIn(2) { topic.sendThreads = try? SendThreads(0, threshold: 1) }
            topics.append(topic)
        }

        faults = kernel_faults(failuresOneIn: 3, atMost: 40, using: &random)
    }
}

extension Setting: CustomStringConvertible {
    var description: String {
        let policies = topics.map { topic in
            let isSentAhead = topic.sendThreads == nil ? "" : ", sent ahead"
            return "\(topic.capacity) bytes, \(topic.policy), send budget \(topic.sendBudget)\(isSentAhead)"
        }
        return """
              read size \(loop.readSize), intake budget \(loop.readBudget), accept budget \(loop.acceptBudget), \
            \(loop.eventsPerWait) events a wait
              framing \(framing), lines of \(options.maximumMessageLength) bytes\(closesOnLongLines ? " or else closed" : ""), \
            pending output \(options.maximumPendingOutput), flush time \(options.flushTimeout.map { "\($0)" } ?? "unlimited"), \
            linger time \(options.lingerTimeout)\(isReckless ? ", reckless publishers" : "")\
            \(recordSize.map { ", records of \($0) bytes" } ?? "")
              \(policies.enumerated().map { "topic \($0.offset): \($0.element)" }.joined(separator: "\n  "))
              faults in 1,024: short \(faults.short_transfers), EAGAIN \(faults.refusals), EINTR \(faults.interruptions), \
            failures \(faults.failures), accept \(faults.accept_failures), spurious \(faults.spurious_events), \
            stale \(faults.stale_events), delays \(faults.delays)
            """
    }
}
