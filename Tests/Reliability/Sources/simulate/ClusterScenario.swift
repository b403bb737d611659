import ChatReactor
import ChatReactorRedis
import Glibc
import Reactor
import SimulatedKernel

/// Plays servers that are one relay or one chat by a stream, on the simulated kernel. Each has a loop of its own, and so has Redis, which is
/// the tests' ScriptedRedis. What goes over the lines between them the scenario carries: so these are slow, break at any byte, or lead nowhere.
///
/// Of the servers it uses what an embedder may use, and what clients are told. What each server has read of the stream it hears from Redis.
final class ClusterScenario {
    let plan: ClusterPlan
    let redisLoop: EventLoop
    let redis: ScriptedRedis
    var nodes: [Node] = []
    var members: [Member] = []
    /// Those who come to ask what a server knows, and go again.
    var probes: [Member] = []
    var random = SeededGenerator(seed: 0)
    var counts = ScenarioCounts()
    private var lines: [(line: ClusterLine, node: Node)] = []
    private var lastConnected: Int32 = -1
    private var isRedisThere = true
    private var begun: [Begun] = []
    private var messageCount = 0
    /// All that was to be said.
    private var published: Set<String> = []
    /// All that was ever in the stream.
    private(set) var written: Set<String> = []
    /// What programs of a chat have got under an epoch and a number.
    var known: [String: String] = [:]
    private var finding: Finding?

    /// One of the servers.
    final class Node {
        let place: Int
        let port: UInt16
        let loop: EventLoop
        let server: ChatServer
        var relays: RelayCluster?
        var chats: ChatCluster?
        /// How many bytes its lines to Redis carry at a time.
        var rate = Int.max
        /// A client for whom there is always room, who hears all, and says nothing.
        var witness: Int32 = -1
        /// What it has read.
        var reader = ClusterReader()
        var hasReader = false
        /// What it was given last, and may have read or not.
        var given: [(name: ScriptedRedis.Name, value: [UInt8])] = []
        /// Where the stream ended when it has asked that last.
        var toldEnd = ScriptedRedis.Name.zero
        var isEnding = false
        var hasEnded = false

        init(place: Int, port: UInt16, _ setting: ClusterPlan.Setting, redis: SocketAddress) throws {
            self.place = place
            self.port = port
            loop = try EventLoop(configuration: setting.loop)
            var configuration = ChatServer.Configuration()
            configuration.framing = .lines
            configuration.maximumMessageLength = setting.maximumMessageLength
            configuration.logCapacity = setting.logCapacity
            configuration.slowClients = .backpressure(stall: .seconds(1_000_000), grace: .seconds(1_000_000))
            if setting.isChat { configuration.chat = Chat.Configuration(name: "tea") }
            server = try ChatServer(on: loop, configuration: configuration)
            var ofCluster = ClusterConfiguration(at: try RedisPlace("redis://127.0.0.1/tea"), addresses: [redis])
            ofCluster.grace = .milliseconds(setting.grace)
            if setting.isChat {
                chats = try ChatCluster(of: server, ofCluster)
            } else {
                relays = try RelayCluster(of: server, ofCluster, outage: setting.isLocal ? .local : .drop)
            }
            try server.listen(on: .loopback(port: port))
        }

        var isConnected: Bool { relays?.isConnected ?? chats?.isConnected ?? false }
        var readEntries: Int { relays?.counts.readEntries ?? chats?.counts.readEntries ?? 0 }
    }

    /// A client of one of the servers.
    final class Member: StreamPeer {
        let node: Node
        var said: [String] = []
        /// How much its server's witness had heard when it was surely there.
        var before: Int?

        /// Whether nothing more is said or heard: it has hung up, or was closed.
        var isGone: Bool { hasHungUp || node.hasEnded || world_is_closed(stream) }

        init(_ name: String, at node: Node, stream: Int32) {
            self.node = node
            super.init(name, stream: stream)
        }
    }

    static func play(_ plan: ClusterPlan, isTraced: Bool, counts: inout ScenarioCounts) throws(Finding) -> UInt64 {
        try playOnKernel(plan.setting.faults, seed: plan.seed, isTraced: isTraced) {
            kernel_may_wait(false)
            var begun: [Begun] = []
            do {
                let scenario = try ClusterScenario(plan)
                defer {
                    begun = scenario.begun
                    for node in scenario.nodes { node.loop.close() }
                    scenario.redisLoop.close()
                }
                try scenario.play(isTraced: isTraced)
                counts.add(scenario.counts)
                counts.addKernel()
            }
            for node in begun {
                if node.server != nil { throw Finding("a server outlives all that used it") }
                if node.cluster != nil { throw Finding("a cluster outlives its server") }
                if node.loop != nil { throw Finding("a loop outlives its close") }
            }
        }
    }

    /// A server, which this does not keep.
    private struct Begun {
        weak var loop: EventLoop?
        weak var server: ChatServer?
        weak var cluster: AnyObject?
    }

    private init(_ plan: ClusterPlan) throws {
        self.plan = plan
        redisLoop = try EventLoop()
        redis = try ScriptedRedis(on: redisLoop)
        redis.didAppend = { [unowned self] _, value in
            if !plan.setting.isChat { written.formUnion(ClusterReader.Entry(value).messages) }
        }
        redis.answer = { [unowned self] command, connection in
            noting { try hear(command, from: connection) }
            return nil
        }
        redis.didGive = { [unowned self] entries, connection in node(of: connection)?.given = entries }
        for place in 0..<plan.setting.servers { try begin(place) }
    }

    private func noting(_ body: () throws -> Void) {
        do { try body() } catch { finding = finding ?? error as? Finding ?? Finding("the loop fails", "\(error)") }
    }

    private func play(isTraced: Bool) throws {
        for step in plan.steps {
            counts[.steps] += 1
            if isTraced { print("  \(step)") }
            random = SeededGenerator(seed: step.seed)
            kernel_seed(step.seed)
            try perform(step.action)
            for turn in step.turns { try self.turn(turn) }
        }
        if isTraced { print("  the end") }
        try rest()
        counts[.scenarios] += 1
    }

    // MARK: - What happens

    private func node(at place: Int) -> Node? { nodes.first { $0.place == place } }

    private func member(_ number: Int) -> Member? {
        guard number < members.count, !members[number].isGone else { return nil }
        return members[number]
    }

    private func perform(_ action: ClusterPlan.Action) throws {
        switch action {
        case .join(let place, let capacity): if let node = node(at: place % plan.setting.servers) { join(node, capacity) }
        case .say(let number, let lines, let longest):
            guard let member = member(number) else { return }
            for _ in 0..<lines { say(makeLine(by: member.name, longest), by: member) }
            member.write()
        case .read(let number, let bytes): if let member = member(number) { _ = world_read(member.stream, bytes) }
        case .hangUp(let number):
            guard let member = member(number) else { return }
            member.hangUp()
        case .announce(let place):
            guard let node = node(at: place), !plan.setting.isChat else { return }
            _ = node.server.announce(makeLine(by: "operator \(place)", 20))
        case .cut(let place, let number, let bytes, let towardsRedis):
            let those = lines.filter { $0.node.place == place && !$0.line.isOver }
            if number < those.count { those[number].line.breaks = (bytes, towardsRedis) }
        case .slow(let place, let bytes): node(at: place)?.rate = bytes
        case .stopRedis:
            isRedisThere = false
            for (line, _) in lines { line.cut() }
        case .startRedis(let count):
            if isRedisThere { return }
            isRedisThere = true
            redis.loseEnd(count)
        case .trim(let count): redis.trim(count)
        case .die(let place, let isMachineGone):
            guard let node = node(at: place) else { return }
            try checkDying(node)
            node.loop.close()
            remove(node)
            if isMachineGone { for (line, other) in lines where other === node { line.cut() } }
        case .begin(let place): if node(at: place) == nil { try begin(place) }
        case .end(let place):
            guard let node = node(at: place), !node.isEnding else { return }
            node.isEnding = true
            node.server.shutDown(timeout: .seconds(5)) { [weak node] in node?.hasEnded = true }
        case .wait(let milliseconds): try wait(milliseconds)
        case .rest: try rest()
        }
    }

    private func makeLine(by sender: String, _ longest: Int) -> String {
        messageCount += 1
        counts[.messagesPublished] += 1
        let line = "\(sender): \(messageCount) \(String(repeating: ".", count: random.number(0...longest)))"
        let cut = String(line.prefix(plan.setting.maximumMessageLength))
        published.insert(cut)
        return cut
    }

    func say(_ line: String, by member: Member) {
        member.said.append(line)
        member.unwritten += Array((line + "\n").utf8)
    }

    private func join(_ node: Node, _ capacity: Int) {
        if let member = connect("m\(members.count)", to: node, capacity) { members.append(member) }
    }

    func connect(_ name: String, to node: Node, _ capacity: Int) -> Member? {
        let stream = world_call(Int32(node.port), 2_000, capacity)
        // A server that ends listens no more.
        if stream < 0 { return nil }
        let member = Member(name, at: node, stream: stream)
        counts[.connections] += 1
        if plan.setting.isChat { member.unwritten += Array("/json\n".utf8) }
        return member
    }

    private func begin(_ place: Int) throws {
        expectConnects()
        let node = try Node(place: place, port: UInt16(100 + begun.count), plan.setting, redis: redis.address)
        nodes.append(node)
        begun.append(Begun(loop: node.loop, server: node.server, cluster: node.relays ?? node.chats))
        noteConnects(of: node)
        if plan.setting.isChat { return }
        node.witness = world_call(Int32(node.port), 2_000, 1)
        world_widen(node.witness)
        // It is there before anything can be heard.
        for _ in 0..<1_000 where node.server.clientCount == 0 { try node.loop.runOnce(waitingAtMost: .zero) }
        if node.server.clientCount == 0 { throw Finding("a client is not let in") }
    }

    private func remove(_ node: Node) {
        node.hasEnded = true
        nodes.removeAll { $0 === node }
    }

    // MARK: - Turns

    /// How the connections to Redis come about that are made next.
    private func expectConnects() {
        let delay: Int64 = random.element(of: [0, 0, 1_000_000])
        world_expect_connect(delay, isRedisThere ? 0 : ECONNREFUSED, plan.setting.lineCapacity, plan.setting.lineCapacity)
    }

    /// A server has made connections: their other ends are at Redis.
    private func noteConnects(of node: Node) {
        while true {
            let near = world_next_connected(lastConnected)
            if near < 0 { return }
            lastConnected = near
            if !isRedisThere { continue }
            let far = world_call(Int32(redis.address.port ?? 0), plan.setting.lineCapacity, plan.setting.lineCapacity)
            if far < 0 { world_reset(near) } else { lines.append((ClusterLine(near: near, far: far), node)) }
        }
    }

    /// Redis makes a turn, or the server at a place less one.
    private func turn(_ actor: Int) throws {
        counts[.turns] += 1
        if actor == 0 {
            redis.time = UInt64(kernel_now() / 1_000_000)
            try redisLoop.runOnce(waitingAtMost: .zero)
        } else if let node = node(at: actor - 1) {
            expectConnects()
            try node.loop.runOnce(waitingAtMost: .zero)
            noteConnects(of: node)
            if node.hasEnded {
                node.loop.close()
                remove(node)
            }
        }
        carry()
        if let finding { throw finding }
        if let complaint = unsafe kernel_complaint() { throw Finding("misuse of the kernel", unsafe String(cString: complaint)) }
    }

    @discardableResult
    private func carry() -> Int {
        var count = 0
        for (line, node) in lines { count += line.carry(node.rate) }
        lines.removeAll { $0.line.isOver }
        return count
    }

    /// Lets time pass. In it clients write, and read all that comes if they are eager.
    func wait(_ milliseconds: Int, areEager: Bool = false, while condition: () throws -> Bool = { true }) throws {
        let end = kernel_now() + Int64(milliseconds) * 1_000_000
        while kernel_now() < end, try condition() {
            let step = min(Int64(random.element(of: [5, 25, 100])) * 1_000_000, end - kernel_now())
            kernel_advance(step)
            for _ in 0..<2_000 {
                let progress = kernel_progress()
                for actor in 0...ClusterPlan.places { try turn(actor) }
                var count = carry()
                for member in members + probes where !member.isGone {
                    count += member.write()
                    if areEager { count += world_read(member.stream, .max) }
                }
                for node in nodes where node.witness >= 0 { _ = world_read(node.witness, .max) }
                if count == 0, kernel_progress() == progress { break }
            }
        }
    }

    /// How long all must be well until all is at rest: longer than a server waits before it says anew what may be lost, or misses another one.
    private var quietTime: Int64 { plan.setting.isChat ? 15_000_000_000 : 3_000_000_000 }

    /// All is well again, and all have time until nothing more happens. Then they must be of one mind.
    private func rest() throws {
        if !isRedisThere { try perform(.startRedis(losing: 0)) }
        for node in nodes { node.rate = .max }
        var calmSince = kernel_now()
        var last = redis.lastName
        try wait(200_000, areEager: true) {
            // Servers of a chat always tell each other that they are there.
            let isCalm = (plan.setting.isChat || redis.lastName == last) && hasComeToRest
            last = redis.lastName
            if !isCalm { calmSince = kernel_now() }
            return kernel_now() - calmSince < quietTime
        }
        if kernel_now() - calmSince < quietTime {
            let states = nodes.map { node in
                "server \(node.place) is \(node.isConnected ? "" : "not ")connected\(node.chats.map { ", one of \($0.serverCount)" } ?? ""), has read \(node.reader.last) of \(redis.lastName)"
            }
            let left = members.filter { !$0.unwritten.isEmpty && !$0.isGone }
                .map { "\($0.name) has \($0.unwritten.count) bytes left" }
            throw Finding("the servers do not come to rest", (states + left).joined(separator: ", "))
        }
        if plan.setting.isChat { try checkChat() } else { for node in nodes { try check(node) } }
    }

    private var hasComeToRest: Bool {
        members.allSatisfy { $0.unwritten.isEmpty || $0.isGone }
            && nodes.allSatisfy { node in
                if !node.isConnected || node.isEnding { return false }
                return node.chats.map { $0.serverCount == nodes.count } ?? (node.hasReader && node.reader.last == redis.lastName)
            }
    }

    // MARK: - What Redis hears

    /// Whose connection it is, by the address of its other end.
    private func node(of connection: Connection) -> Node? {
        guard let port = connection.remoteAddress?.port else { return nil }
        return lines.first { $0.line.far + 10_000 == Int32(port) }?.node
    }

    /// A server that reads on says by that what it has read.
    private func hear(_ command: ScriptedRedis.Command, from connection: Connection) throws {
        guard let node = node(of: connection), !node.hasEnded else { return }
        switch ScriptedRedis.name(of: command) {
        case "XINFO": node.toldEnd = redis.lastName
        case "XREAD":
            let name = ScriptedRedis.Name(command[command.count - 1])
            let new = node.readEntries - node.reader.entryCount
            if new == node.given.count {
                node.reader.read(node.given)
            } else if new != 0 {
                throw Finding("a server has read what it was not given", "\(new) entries of \(node.given.count)")
            }
            node.given = []
            if !node.hasReader {
                node.hasReader = true
                node.reader.begin(at: name)
            } else if name == .zero, node.reader.last > .zero {
                node.reader.goBack(end: node.toldEnd)
            }
            if name != node.reader.last {
                throw Finding("a server reads on elsewhere than where it was", "\(name), and not \(node.reader.last)")
            }
        default: break
        }
    }

    // MARK: - What must hold

    func text(_ stream: Int32) -> [String] {
        let sent = unsafe UnsafeBufferPointer(start: world_sent(stream), count: world_sent_count(stream))
        // What does not end with a newline is not whole.
        return unsafe String(decoding: sent, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            .map(String.init)
    }

    private static let ofOutage = [
        "! the other servers cannot be reached: nobody hears you now",
        "! the other servers cannot be reached: only those at this one hear you now",
        "! the other servers are reached again: everybody hears you", "! goodbye: the server is shutting down",
    ]

    /// What a client of a relay has heard, but for what is said of an outage.
    private func heard(_ stream: Int32) -> [String] {
        text(stream).filter { !Self.ofOutage.contains($0) && Self.notRelayed($0) == 0 }
    }

    /// How many messages a client is told nobody has heard.
    private static func notRelayed(_ line: String) -> Int {
        guard line.hasPrefix("! "), line.hasSuffix(" not relayed: the other servers cannot be reached") else { return 0 }
        return line.hasPrefix("! that was ") ? 1 : Int(line.split(separator: " ")[2]) ?? 0
    }

    private func checkDying(_ node: Node) throws {
        if plan.setting.isChat || plan.setting.isLocal { return }
        var reader = node.reader
        if node.readEntries > reader.entryCount { reader.read(node.given) }
        if !reader.lines.starts(with: heard(node.witness)) {
            throw Finding("clients hear something else than the stream", "server \(node.place), which dies")
        }
    }

    private func check(_ node: Node) throws {
        let order = heard(node.witness)
        if plan.setting.isLocal { try checkLocal(node, order) } else { try check(node, order) }
        for member in members where member.node === node && !member.hasHungUp {
            if member.isGone { throw Finding("a client is closed", member.name) }
            let heard = heard(member.stream)
            let others = order.filter { !$0.hasPrefix(member.name + ":") }
            counts[.copiesDelivered] += UInt64(heard.count)
            if !heard.elementsEqual(others.suffix(heard.count)) { throw Finding("a client hears something else", member.name) }
            if let before = member.before {
                let due = order.dropFirst(before).count { !$0.hasPrefix(member.name + ":") }
                if heard.count < due { throw Finding("a client lacks what was said after it had come", member.name) }
            }
            member.before = member.before ?? order.count
            let dropped = text(member.stream).reduce(0) { $0 + Self.notRelayed($1) }
            counts[.skippedMessages] += UInt64(dropped)
            let lacking = member.said.count { !written.contains($0) }
            if !plan.setting.isLocal, lacking != dropped {
                throw Finding("what a client says is lost", "\(member.name): \(lacking) lines, and it was told of \(dropped)")
            }
        }
    }

    /// Exactly what is in the stream, with what is missing counted at its place.
    private func check(_ node: Node, _ order: [String]) throws {
        if let relays = node.relays, relays.counts.lostMessages != node.reader.lostCount {
            throw Finding("what is missing is miscounted", "\(relays.counts.lostMessages) and not \(node.reader.lostCount)")
        }
        counts[.noticesOfGaps] += UInt64(node.reader.lines.count { $0.hasPrefix("! ") })
        let due = node.reader.lines
        if order == due { return }
        let index = zip(order, due).prefix { $0 == $1 }.count
        let (found, wanted) = (index < order.count ? order[index] : "nothing", index < due.count ? due[index] : "nothing")
        throw Finding(
            "clients hear something else than the stream", "server \(node.place): \(found.prefix(40)), not \(wanted.prefix(40))")
    }

    /// Where clients hear those at the same server while the stream is away, they hear more, and earlier; but nothing twice, and all of it.
    private func checkLocal(_ node: Node, _ order: [String]) throws {
        let said = order.filter { !$0.hasPrefix("! ") }
        if Set(said).count < said.count { throw Finding("a message comes twice", "server \(node.place)") }
        let due = node.reader.lines.filter { !$0.hasPrefix("! ") }
        if let lost = Set(due).subtracting(said).min() { throw Finding("a message is lost", "\(lost.prefix(40))") }
        var last: [Substring: Int] = [:]
        // The line that somebody was about to end who has hung up is a message.
        for line in said where published.contains(line) {
            let parts = line.split(separator: ":")
            let number = Int(parts[1].split(separator: " ")[0])!
            if number < last[parts[0], default: 0] {
                throw Finding("messages of one sender are out of order", "\(line.prefix(40))")
            }
            last[parts[0]] = number
        }
    }
}
