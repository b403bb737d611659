import ChatReactor
import Reactor
import SimulatedKernel

/// Somebody who takes part in a simulated chat: the other end of a stream, what it asks for in which order, and what the server has done of that.
///
/// After each command it has the server tell it a mark, by a command of the scenario's own. So the oracle knows what has been done on the server's
/// side, when its handler is called, and which lines answer which command, where the mark stands among them.
final class ChatMember {
    let number: Int
    let stream: Int32
    /// Whether it takes whatever is there.
    var isEager: Bool

    /// A line that it says: the bytes, and how they must be shown.
    struct Said {
        let raw: [UInt8]
        let shown: String
        /// With which command: empty, `/me ` or `/quit `.
        let command: String

        var isAction: Bool { command == "/me " }
        /// How many bytes its line has.
        var length: Int { command.utf8.count + raw.count }
    }

    enum Asked: Equatable {
        case says, blank, quit
        case join(String)
        case resume(String, epoch: UInt64, sequence: Int)
        case json
        case history(Int)
        case ignore(String)
        case unignore(String)
        case message(to: String, id: String)
        case topic
        /// Any other, which is answered.
        case other

        var isAnswered: Bool { self != .says && self != .blank && self != .quit }
    }

    /// What somebody writes to one person alone, by which of its commands; `to` is empty in a `/reply`.
    struct PrivateMessage {
        let writer: Int
        let command: Int
        let to: String
        let id: String
    }

    /// How things were when the server heard a mark.
    struct Snapshot {
        let name: String
        let counts: [ObjectIdentifier: Int]
        let ignored: Set<String>
    }

    private(set) var script: [Asked] = []
    /// What it has said that neither is in a room nor was refused by now, with the command of each.
    private var due: [(command: Int, said: Said)] = []
    private var lengths: [Int] = []
    private var outbox: [UInt8] = []
    private var isAtLineStart = true
    /// It has gone in the middle of a line.
    private var hasTorn = false
    /// Whether the last that it has sent may be the beginning of a line.
    var isTorn: Bool {
        // A frame of which a part is lacking is none.
        web == nil && (hasTorn || world_is_dead(stream) || world_failure(stream) != 0)
    }
    private(set) var hasEnded = false
    private var hasHungUp = false

    // What the server has done.
    weak var person: Person?
    weak var connection: Connection?
    private(set) var snapshots: [Snapshot] = []
    var isAccepted = false
    var reason: CloseReason?
    var ignored: Set<String> = []
    /// Names that it has begun or ceased to ignore while what they have said may be under way.
    var changedNames: Set<String> = []
    /// Names of those who took another while it was not known whether it ignored them.
    var mayIgnore: Set<String> = []
    var names: Set<String> = []
    var stays: [ChatStay] = []
    var isJSON = false
    /// What it has said as a program, and must be told the number of.
    var untold: [(history: ObjectIdentifier, sequence: Int)] = []
    var refusals = 0
    /// In which of its commands an operator has moved it.
    var movedDuring: Set<Int> = []
    var wasMuted = false
    /// Whether a shutdown was announced when it came, and it has not been told so yet.
    var isToHearOfShutdown = false
    /// Whether the operator, a hook or a ban has removed it.
    var wasRemoved = false
    /// Why the others have been told that it has left for good.
    var farewell: String?
    /// What it has said in leaving. One that was too long has not been read, so that there may be several.
    private(set) var partingWords: [String] = []
    /// With which of its commands it has asked to leave by a line that is too long, and is refused.
    private var longFarewells: Set<Int> = []
    /// Private messages that must reach it.
    var privateDue: Set<String> = []

    lazy var reader = ChatReader(self)
    /// What it is, if it has come with an IRC client.
    private(set) var irc: IRCPeer?
    /// What it is, if it has come by WebSocket.
    let web: WebPeer?
    /// How long a message may be, which is cut into frames otherwise if it is longer.
    private let limit: Int

    init(_ number: Int, stream: Int32, isEager: Bool, form: ChatAction.Form, limit: Int, seed: UInt64) {
        self.number = number
        self.stream = stream
        self.isEager = isEager
        self.limit = limit
        web = form.isWeb ? WebPeer(isJSON: form == .webJSON, seed: seed) : nil
        isJSON = form == .webJSON
        if form.isIRC { irc = IRCPeer(self, takesMore: form == .ircWithTags) }
        if let web { outbox += web.request }
    }

    var isOpen: Bool { isAccepted && reason == nil && connection?.isOpen == true }
    var marksHeard: Int { snapshots.count }
    var asksToQuit: Bool { irc?.asksToQuit ?? script.contains(.quit) }
    var hasUnsaid: Bool { !due.isEmpty }
    var hasOutbox: Bool { !outbox.isEmpty }

    /// Whether somebody has asked to have it sent out of a room.
    func isNamedToBeKicked(by members: [ChatMember]) -> Bool {
        members.contains { $0.irc?.namesToKick.isDisjoint(with: names) == false }
    }

    static func key(_ name: String) -> String { name.lowercased() }

    /// Those of its private messages that have this text. One whose line was torn has only the beginning of it: the server takes
    /// what a peer has sent before it went as a line.
    func privateMessages(saying text: String) -> [PrivateMessage] {
        if let irc { return irc.privateMessages(saying: text) }
        return script.enumerated().compactMap { command, asked in
            guard case .message(let to, let id) = asked else { return nil }
            let whole = Self.privateText(id, to)
            if whole != text, !isTorn || !whole.hasPrefix(text) { return nil }
            return PrivateMessage(writer: number, command: command, to: to, id: id)
        }
    }

    static func privateText(_ id: String, _ name: String) -> String { "\(id) @\(name) psst" }

    // MARK: - The peer

    func ask(_ asked: Asked, _ line: String) {
        finish(asked, Array((line + "\n").utf8))
    }

    /// How many lines it has sent that are longer than so many bytes.
    func countLines(longerThan limit: Int) -> Int { lengths.filter { $0 > limit }.count }

    func say(_ lines: [Said]) {
        lengths += lines.map(\.length)
        for said in lines { due.append((script.count, said)) }
        finish(.says, lines.flatMap { Array($0.command.utf8) + $0.raw + [10] })
    }

    /// Says something with an IRC client.
    func say(_ lines: [Said], in room: String) {
        if hasEnded { return }
        irc?.sayingCount += 1
        for said in lines {
            due.append((script.count, said))
            irc?.say(said.isAction ? "\u{1}ACTION \(said.shown)\u{1}" : said.shown, in: room)
        }
    }

    /// Writes what an IRC client does.
    func write(_ lines: String) { if !hasEnded { outbox += Array(lines.utf8) } }

    /// Leaves, and says something in doing so.
    func quit(saying said: Said?) {
        if let said {
            partingWords.append(said.shown)
            lengths.append(said.length)
            if said.length > limit { longFarewells.insert(script.count) }
        }
        finish(.quit, Array("/quit ".utf8) + (said?.raw ?? []) + [10])
    }

    private func finish(_ asked: Asked, _ bytes: [UInt8]) {
        if hasEnded { return }
        write(lines: bytes + Array("/mark \(script.count)\n".utf8))
        script.append(asked)
    }

    private func write(lines: [UInt8]) {
        guard let web else { return outbox += lines }
        for line in lines.split(separator: 10, omittingEmptySubsequences: false).dropLast() {
            outbox += web.frames(of: line, before: script.count, limit: limit)
        }
    }

    /// Sends a Close frame, and nothing more.
    func closeSocket() {
        guard let web, !hasEnded else { return }
        outbox += web.close()
        hasEnded = true
    }

    /// Writes and reads what it can. Returns whether anything has moved.
    func pump() -> Bool {
        var hasMoved = false
        if let web, !hasEnded { outbox += web.answers(havingTaken: world_taken(stream)) }
        if !outbox.isEmpty {
            let written = unsafe outbox.withUnsafeBufferPointer { unsafe world_write(stream, $0.baseAddress!, $0.count) }
            if written > 0 {
                isAtLineStart = outbox[written - 1] == 10
                outbox.removeFirst(written)
                hasMoved = true
            }
        }
        if isEager, world_read(stream, .max) > 0 { hasMoved = true }
        if endSocket() { hasMoved = true }
        return hasMoved
    }

    /// Hangs up once the server has closed the WebSocket.
    private func endSocket() -> Bool {
        guard let web, web.hasClose, !hasHungUp, world_taken(stream) == world_sent_count(stream) else { return false }
        end()
        hasHungUp = true
        world_close(stream)
        return true
    }

    /// Sends no more.
    func end() {
        if hasEnded { return }
        hasEnded = true
        outbox = []
        if !isAtLineStart, web == nil { hasTorn = true }
    }

    // MARK: - The server

    /// The command that is being handled, or will be next.
    var current: Asked? { marksHeard < script.count ? script[marksHeard] : nil }

    /// The server has heard a mark: the command before it has been handled.
    func didHear(_ snapshot: Snapshot, mayRefuse: (Said) -> Bool) throws(Finding) {
        let command = marksHeard
        switch script[command] {
        case .ignore(let name) where name != Self.key(snapshot.name):
            ignored.insert(name)
        case .unignore(let name): ignored.remove(name)
        case .json: isJSON = true
        case .quit:
            if !longFarewells.contains(command) { throw Finding("somebody who has quit is heard", "peer \(number)") }
            refusals += 1
        default: break
        }
        while let (first, said) = due.first, first <= command { try drop(said, mayRefuse) }
        snapshots.append(Snapshot(name: snapshot.name, counts: snapshot.counts, ignored: ignored))
    }

    /// It has said something, as the server has it.
    func didSay(_ content: ChatRecord.Content, mayRefuse: (Said) -> Bool) throws(Finding) {
        // The beginning of a line, that is, and not one that follows others that were refused.
        if isTorn, !due.contains(where: { $0.said.shown == content.text }) { return }
        while let (command, said) = due.first {
            if said.shown == content.text, said.isAction == (content.kind == .action) {
                if command != marksHeard { throw Finding("something is said before what was sent before") }
                due.removeFirst()
                return
            }
            // One that is not in the room is refused.
            if irc != nil { due.removeFirst() } else { try drop(said, mayRefuse) }
        }
        throw Finding("something is said that nobody has said", content.line)
    }

    private func drop(_ said: Said, _ mayRefuse: (Said) -> Bool) throws(Finding) {
        if !mayRefuse(said) { throw Finding("something that was sent is not said", "peer \(number): \(said.shown)") }
        due.removeFirst()
        refusals += 1
    }
}

/// The time that a person is in a room, from one entering to leaving it.
final class ChatStay {
    let history: ChatRoomHistory
    /// How many records there were. What follows is live. Nil if that is not known.
    var start: Int?
    /// How many there were when the person left.
    var end: Int?
    /// How many marks the server had heard.
    let afterMark: Int
    /// How many were online with it, if that is known.
    var online: Int?
    let ignored: Set<String>

    // What the person has been told.
    var isTold = false
    /// The record that may come next, live.
    var next = 0
    var gap: Gap?
    /// Whether its history has come whole, so that what comes is from the room's topic.
    var isLive = false

    struct Gap {
        var missed: Int
        /// Whether what may be missing is not known.
        var isUnknown = false
        /// Whether it counts only what the reader should have been sent.
        var isExact = false
        /// How many records of the past it may count as well.
        var slack = 0
    }

    init(_ history: ChatRoomHistory, start: Int?, afterMark: Int, ignored: Set<String>) {
        self.history = history
        self.start = start
        self.afterMark = afterMark
        self.ignored = ignored
    }
}
