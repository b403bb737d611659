import ChatReactor
import Reactor
import TestSupport
import Testing

/// An embedder that answers some of what happens with something else, at the same moment.
final class ChatMeddler: ChatServerObserver {
    private var random: SeededGenerator

    init(_ random: inout SeededGenerator) { self.random = SeededGenerator(seed: .random(in: 0...(.max), using: &random)) }

    func server(_ server: ChatServer, didPublish event: ChatServer.Event) { meddle(server, event.person, event.room) }
    func server(_ server: ChatServer, didOpen room: ChatServer.Room) { meddle(server, nil, room) }
    func server(_ server: ChatServer, didClose client: ChatServer.Client, reason: CloseReason) {
        meddle(server, client as? Person, nil)
    }

    private func meddle(_ server: ChatServer, _ person: Person?, _ room: ChatServer.Room?) {
        guard let chat = server.chat else { return }
        switch Int.random(in: 0..<100, using: &random) {
        case 0: person?.connection?.close()
        case 1: person?.connection?.finish()
        case 2: if let person { chat.kick(person, reason: "meddled") }
        case 3...6: server.announce("meddled")
        case 7: if let person, let name = try? ChatName("dora") { chat.rename(person, to: name) }
        case 8...9: person?.notify("meddled")
        case 10...11: if let room { chat.close(room) }
        case 12...14: room?.announce("here")
        default: break
        }
    }
}

extension Chat {
    /// What an operator may do.
    func moderate(_ random: inout SeededGenerator) throws {
        let person = people.min { $0.name.text < $1.name.text }
        switch Int.random(in: 0..<7, using: &random) {
        case 0: if let person { kick(person) }
        case 1: if let room = rooms.min(by: { $0.name.text < $1.name.text }) { close(room) }
        case 2: if let person { mute(person.name) }
        case 3: if let person { unmute(person.name) }
        case 4: try ban(Ban(.name(try ChatName("cleo"))))
        case 5: try unban(.name(try ChatName("cleo")))
        default: announce("tea")
        }
    }

    /// Has some of the names that are asked for be somebody's.
    func knowSomeNames() throws {
        if authenticator == nil { authenticator = try PlainAuthenticator(["ana": "right", "cleo": "right"]) }
    }
}

extension SeededGenerator {
    /// Plays the so-manieth scenario of this run, and says by which seed it is played again.
    static func play(_ number: UInt64, for file: StaticString = #fileID, _ body: (inout SeededGenerator) throws -> Void) {
        var random = SeededGenerator(seed: SeededGenerator(for: file).seed &+ number)
        let seed = random.seed
        do { try body(&random) } catch { Issue.record("CHATREACTOR_SEED=\(seed) has it again: \(error)") }
    }

    /// What somebody may send to a chat.
    mutating func chatLine() -> String {
        let room = ["lobby", "tea", "Tea", "cake", "jam"].randomElement(using: &self) ?? ""
        let name = ["ana", "Ana", "ben", "cleo"].randomElement(using: &self) ?? ""
        switch Int.random(in: 0..<17, using: &self) {
        case 0, 1: return "/nick \(name)"
        case 2, 3: return "/join \(room)"
        case 4: return "/join \(room) key\(Int.random(in: 0...1, using: &self))"
        case 5: return "/leave"
        case 6: return "/topic \(name)"
        case 7: return "/msg \(name) psst"
        case 8: return "/me waves"
        case 9: return "/json"
        case 10: return "/invite \(name)"
        case 11: return "/resume \(room) 1 1"
        case 12: return "/quit"
        case 13: return "/login \(name) \(Int.random(in: 0..<4, using: &self) == 0 ? "wrong" : "right")"
        default: return "hello \(Int.random(in: 0...99, using: &self))"
        }
    }
}
