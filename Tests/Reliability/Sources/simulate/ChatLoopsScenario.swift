import ChatReactor
import Reactor
import SimulatedKernel

/// Plays a chat of several loops, on the simulated kernel: its servers are one by an order under a lock. A turn of one loop is made
/// inside of a system call of another, and while a server is telling its observers what it is just doing. So whatever may come
/// between what two threads do to the order happens here, in an order that the seed determines.
///
/// Of the servers it uses what an embedder may use. All of them must do the same, in the same order, and must know the same at
/// rest; and what programs get of a room is all of its order, from where they joined, less their own.
final class ChatLoopsScenario: LoopsStage {
    let plan: ChatLoopsPlan
    let group: ServerGroup
    let threads = SimulatedThreads()
    var nodes: [Node] = []
    var members: [Member] = []
    var random = SeededGenerator(seed: 0)
    var counts = ScenarioCounts()
    /// The names of those whom an operator has sent away, or may have.
    var sentAway: Set<String> = []
    private(set) var isTraced = false
    private var messageCount = 0
    /// What any program has got under a number.
    var known: [ProgramHearing.Place: WireLine.Numbered] = [:]
    /// The numbers of the newest records that are known, by room and epoch.
    var newest: [ProgramHearing.Place: Int] = [:]

    /// One of the servers.
    final class Node: ChatServerObserver {
        let number: Int
        let loop: EventLoop
        private(set) var server: ChatServer?
        private(set) var operators: OperatorCommands?
        /// What has happened in its rooms, by their names, as it has told its observer.
        private(set) var events: [String: [String]] = [:]
        var isClosing = false
        private unowned let scenario: ChatLoopsScenario

        var port: UInt16 { UInt16(100 + number) }
        var isOpen: Bool { !loop.isClosed }

        init(_ number: Int, on loop: EventLoop, in scenario: ChatLoopsScenario) throws {
            (self.number, self.loop, self.scenario) = (number, loop, scenario)
            let server = try ChatServer(on: loop, in: scenario.group)
            self.server = server
            operators = server.chat.map { chat in OperatorCommands(for: chat) {} }
            server.addObserver(self)
            try server.listen(on: .loopback(port: port))
        }

        func letGo() {
            server?.removeObserver(self)
            (server, operators) = (nil, nil)
        }

        func server(_ server: ChatServer, didAccept client: ChatServer.Client) {
            // The kernel tells by that who it is.
            _ = client.connection?.remoteAddress
            let stream = world_named()
            guard let member = scenario.members.first(where: { $0.stream == stream }) else { return }
            (member.node, member.person) = (self, client as? Person)
        }

        func server(_ server: ChatServer, didPublish event: ChatServer.Event) {
            events[event.room.name.text.lowercased(), default: []].append(event.description)
            if let person = event.person, let member = scenario.members.first(where: { $0.person === person }) {
                member.names.formUnion([event.name.lowercased(), person.name.text.lowercased()])
            }
            // Another loop may do something amid of what this one does.
            kernel_yield()
        }

        func server(_ server: ChatServer, didClose client: ChatServer.Client, reason: CloseReason) {
            guard let member = scenario.members.first(where: { $0.person === client }) else { return }
            member.reason = reason
            // In a crowd nobody is told that it has come.
            if let person = client as? Person { member.names.insert(person.name.text.lowercased()) }
        }
    }

    /// Somebody who is in the chat.
    final class Member: StreamPeer {
        let isProgram: Bool
        var isEager: Bool
        /// The server that serves it; nil before one does.
        weak var node: Node?
        weak var person: Person?
        var reason: CloseReason?
        /// Those that it has had, in lower case.
        var names: Set<String> = []
        /// In rooms, by lines and as their topics.
        var said: [String] = []
        var asked: [ProgramHearing.Asked] = []
        var privateCount = 0

        var isOpen: Bool { !hasHungUp && !world_is_closed(stream) }

        init(_ name: String, stream: Int32, isProgram: Bool, isEager: Bool) {
            (self.isProgram, self.isEager) = (isProgram, isEager)
            super.init(name, stream: stream)
            if isProgram { ask(.other, "/json") }
        }

        func say(_ line: String) {
            said.append(line)
            unwritten += Array((line + "\n").utf8)
        }

        func ask(_ what: ProgramHearing.Asked, _ line: String) {
            asked.append(what)
            unwritten += Array("\(line)\n/ping\n".utf8)
        }

        func hearing() throws(Finding) -> ProgramHearing {
            do throws(Finding) {
                return try ProgramHearing(sentText, asked: asked)
            } catch {
                throw Finding(error.kind, "\(name): \(error.detail)")
            }
        }
    }

    static func play(_ plan: ChatLoopsPlan, isTraced: Bool, counts: inout ScenarioCounts) throws(Finding) -> UInt64 {
        try playOnKernel(plan.setting.faults, seed: plan.seed, isTraced: isTraced) {
            kernel_may_wait(false)
            var begun: [Begun] = []
            do {
                let scenario = try ChatLoopsScenario(plan)
                defer {
                    begun = scenario.nodes.map { Begun(loop: $0.loop, server: $0.server) }
                    for node in scenario.nodes { node.isClosing = true }
                    scenario.threads.end()
                    for node in scenario.nodes { node.letGo() }
                }
                scenario.isTraced = isTraced
                scenario.threads.begin()
                for configuration in plan.setting.loops { try scenario.begin(configuration) }
                try scenario.play(plan.steps, isTraced: isTraced)
                try scenario.rest()
                scenario.counts[.scenarios] += 1
                counts.add(scenario.counts)
                counts.addKernel()
            }
            for node in begun {
                if node.server != nil { throw Finding("a server outlives all that used it") }
                if node.loop != nil { throw Finding("a loop outlives its close") }
            }
        }
    }

    /// A server, which this does not keep.
    private struct Begun {
        weak var loop: EventLoop?
        weak var server: ChatServer?
    }

    private init(_ plan: ChatLoopsPlan) throws {
        self.plan = plan
        group = try ServerGroup(configuration: plan.setting.server)
    }

    private func begin(_ configuration: EventLoop.Configuration) throws {
        let loop = try EventLoop(configuration: configuration)
        let number = threads.add(loop)
        threads.interleave(with: number)
        nodes.append(try Node(number, on: loop, in: self))
    }

    // MARK: - What happens

    func member(_ number: Int) -> Member? {
        guard number < members.count, members[number].isOpen else { return nil }
        return members[number]
    }

    private func node(_ number: Int) -> Node? { number < nodes.count && nodes[number].isOpen ? nodes[number] : nil }

    func perform(_ action: ChatLoopsPlan.Action) throws {
        switch action {
        case .begin:
            if nodes.count == ChatLoopsPlan.mostLoops { return }
            try begin(plan.setting.loops[nodes.count % plan.setting.loops.count])
        case .close(let number):
            // With the last one that knows the chat, it ends.
            guard let node = node(number),
                nodes.contains(where: { $0 !== node && $0.isOpen && $0.server?.chat?.isReachable == true })
            else { return }
            try close(node)
        case .come(let loop, let isProgram, let capacity, let isEager):
            _ = come(to: loop, isProgram: isProgram, outputCapacity: capacity, isEager: isEager)
        case .comeBack(let loop, let number): try comeBack(to: loop, as: number)
        case .say(let number, let lines, let longest):
            guard let member = member(number) else { return }
            for _ in 0..<lines { member.say(makeLine(by: member, longest)) }
        case .flood(let number, let loop):
            guard let member = member(number), node(loop) != nil else { return }
            for _ in 0..<40 { member.say(makeLine(by: member, plan.setting.server.maximumMessageLength - 30)) }
            let others = threads.loops.indices.filter { $0 != loop }
            for _ in 0..<400 {
                for other in others { try turn(other) }
                member.write()
            }
        case .command(let number, let command): if let member = member(number) { give(command, by: member) }
        case .read(let number, let bytes): if let member = member(number) { _ = world_read(member.stream, bytes) }
        case .hangUp(let number): member(number)?.hangUp()
        case .operate(let number, let operation): if let node = node(number) { operate(operation, at: node) }
        case .wait(let milliseconds):
            kernel_advance(Int64(milliseconds) * 1_000_000)
            for loop in threads.loops.indices { try turn(loop) }
        case .rest: try rest()
        }
    }

    private func close(_ node: Node) throws {
        node.isClosing = true
        threads.interleave(threads.loops.indices.filter { $0 != node.number }, with: node.number)
        node.loop.close()
        // An embedder may keep the server.
        if random.oneIn(2) { node.letGo() }
    }

    func come(to loop: Int, isProgram: Bool, outputCapacity: Int, isEager: Bool) -> Member? {
        let next = nodes.first { $0.isOpen && $0.number >= loop % nodes.count }
        guard let node = next ?? nodes.first(where: \.isOpen) else { return nil }
        let stream = world_call(Int32(node.port), 2_000, outputCapacity)
        if stream < 0 { return nil }
        let member = Member("m\(members.count)", stream: stream, isProgram: isProgram, isEager: isEager)
        members.append(member)
        counts[.connections] += 1
        return member
    }

    /// Hangs up if it has not, and goes on from what it has heard of a room.
    private func comeBack(to loop: Int, as number: Int) throws {
        guard number < members.count, members[number].isProgram else { return }
        let former = members[number]
        let stays = try former.hearing().stays
        if former.isOpen { former.hangUp() }
        guard let member = come(to: loop, isProgram: true, outputCapacity: 20_000, isEager: true), !stays.isEmpty else { return }
        resume(random.element(of: stays), by: member)
    }

    private func resume(_ stay: ProgramHearing.Stay, by member: Member) {
        let number = random.oneIn(6) ? random.number(0...stay.last + 2) : stay.last
        member.ask(
            .resume(room: stay.room, epoch: Int(stay.epoch), sequence: number), "/resume \(stay.room) \(stay.epoch) \(number)")
    }

    private func makeLine(by member: Member, _ longest: Int) -> String {
        messageCount += 1
        counts[.messagesPublished] += 1
        let line = "\(member.name): \(messageCount) \(String(repeating: ".", count: random.number(longest / 2...longest)))"
        return String(line.prefix(plan.setting.server.maximumMessageLength))
    }

    private static let names = ["ana", "Ana", "ben", "cleo", "dan"]
    private static let rooms = ["lobby", "cake", "Cake", "jam", "milk"]

    private func give(_ command: ChatLoopsPlan.Command, by member: Member) {
        // People who get lines stay in the lobby, so that it is known what they are to get.
        if !member.isProgram {
            if command == .nick { member.unwritten += Array("/nick \(random.element(of: Self.names))\n".utf8) }
            return
        }
        let name = random.element(of: Self.names)
        let room = random.element(of: Self.rooms)
        counts[.chatCommands] += 1
        switch command {
        case .nick: member.ask(.other, "/nick \(name)")
        case .join: member.ask(.other, "/join \(room)")
        case .leave: member.ask(.leave, "/leave")
        case .resume:
            if let stays = try? member.hearing().stays, !stays.isEmpty { resume(random.element(of: stays), by: member) }
        case .topic:
            member.said.append("\(member.name) \(member.asked.count)")
            member.ask(.other, "/topic \(member.name) \(member.asked.count)")
        case .message:
            member.privateCount += 1
            // Somebody has such a name, as a rule.
            let other = random.oneIn(3) ? name : "guest\(random.number(1...max(members.count, 1)))"
            member.ask(.other, "/msg \(other) \(member.name) \(member.privateCount)")
        case .who: member.ask(.other, "/who \(room)")
        }
    }

    private func operate(_ operation: ChatLoopsPlan.Operation, at node: Node) {
        guard let operators = node.operators, let chat = node.server?.chat else { return }
        let somebody = chat.people.map(\.name.text).sorted().first { _ in random.oneIn(3) }
        let name = random.oneIn(2) ? random.element(of: Self.names) : somebody ?? "ana"
        threads.interleave([random.number(0...nodes.count - 1)], with: node.number)
        switch operation {
        case .kick:
            sentAway.insert(name.lowercased())
            _ = operators.run("kick \(name) spam")
        case .ban:
            sentAway.insert(name.lowercased())
            _ = operators.run("ban \(name)")
        case .unban: _ = operators.run("unban \(name)")
        case .mute: _ = operators.run("mute \(name)")
        case .unmute: _ = operators.run("unmute \(name)")
        case .closeRoom: _ = operators.run("close \(random.element(of: Self.rooms))")
        case .say: _ = operators.run("say op \(random.number(0...99_999))")
        }
    }

    // MARK: - Turns

    func checkTurn(of loop: Int) throws {
        for member in members where member.isOpen {
            member.write()
            if member.isEager { _ = world_read(member.stream, .max) }
        }
        if let complaint = unsafe kernel_complaint() { throw Finding("misuse of the kernel", unsafe String(cString: complaint)) }
        for member in members where member.reason != nil { try check(member.reason!, of: member) }
    }
}
