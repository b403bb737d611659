import Reactor
import TestSupport
import Testing

/// Somebody at one of the servers of a chat.
class ChatMember {
    /// How a fixture waits.
    typealias Wait = (_ what: Comment, _ condition: () throws -> Bool) throws -> Void

    let peer: Peer
    /// Is there as long as this is.
    private let fixture: AnyObject
    private var seen = 0

    init(at address: SocketAddress, of fixture: AnyObject) throws {
        self.fixture = fixture
        peer = try Peer(to: address)
    }

    /// What has come since `clear`.
    var lines: [String] {
        peer.read()
        return Array(peer.lines.dropFirst(seen))
    }

    func clear() { seen += lines.count }
    func send(_ line: String) throws { try peer.send(line + "\n") }

    /// Waits until it is in, and takes a name that nobody has.
    func enter(as name: String?, json: Bool, _ wait: Wait) throws {
        try wait("a welcome") { lines.contains { $0.hasPrefix("* welcome") } }
        if let name {
            try send("/nick \(name)")
            try wait("the name") { lines.contains("* you are now \(name)") }
        }
        if json {
            try send("/json")
            try wait("JSON") { lines.last?.hasPrefix("{") == true }
        }
    }

    /// Fails unless everybody who is there is answered.
    static func expectToBeHeard(_ members: [ChatMember], _ wait: Wait) throws {
        for member in members {
            member.clear()
            _ = try? member.send("/who")
        }
        try wait("answers") {
            members.allSatisfy { member in
                let isAnswered = member.lines.contains { $0.hasPrefix("* in ") || $0.hasPrefix("{\"type\":\"who\"") }
                return isAnswered || member.peer.isAtEnd || member.peer.readFailure != nil
            }
        }
    }
}
