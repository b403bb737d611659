import TestSupport
import Testing

/// A client's connection to a chat server that the test plays itself.
struct PlayedChat {
    let peer: Peer

    init(peer: Peer) {
        self.peer = peer
    }

    /// Accepts a client, and greets it as a chat does.
    init(accepting server: PlayedServer, name: String = "guest1") throws {
        peer = try server.accept()
        try peer.send("* welcome to tea; you are \(name); 1 online\n")
    }

    /// The next lines that the client sends, without those by which it asks for the names to complete, for what was said before, and whether
    /// that is done.
    func commands(_ count: Int) throws -> [String] {
        try commands(count) { !$0.hasPrefix("/who ") && $0 != "/ping" && $0 != "/history 20" }
    }

    /// The next lines that a script sends, without those by which it asks for names.
    func commandsAndPings(_ count: Int) throws -> [String] {
        try commands(count) { !$0.hasPrefix("/who ") }
    }

    private func commands(_ count: Int, where isWanted: (String) -> Bool) throws -> [String] {
        var lines: [String] = []
        while lines.count < count, let line = try peer.receiveLine() {
            if isWanted(line) { lines.append(line) }
        }
        return lines
    }

    /// Sends an object. An apostrophe stands for a quotation mark in it.
    func tell(_ object: String) throws {
        try peer.send("{\(object.replacing("'", with: "\""))}\n")
    }

    func enter(_ room: String = "lobby", name: String = "guest1", epoch: Int = 7, sequence: Int) throws {
        try tell(
            "'type':'welcome','server':'tea','version':1,'name':'\(name)','room':'\(room)','epoch':\(epoch),'seq':\(sequence),'online':1"
        )
    }

    func say(_ sequence: Int, _ text: String, from: String = "ben", room: String = "lobby", isReplayed: Bool = false) throws {
        let replayed = isReplayed ? ",'replayed':true" : ""
        try tell(
            "'type':'message','seq':\(sequence),'time':'2026-11-27T19:03:07.004Z','room':'\(room)','from':'\(from)','text':'\(text)'\(replayed)"
        )
    }

    func confirm(_ sequence: Int, room: String = "lobby") throws {
        try tell("'type':'sent','seq':\(sequence),'time':'2026-11-27T19:03:07.004Z','room':'\(room)'")
    }

    /// Says that nothing more will come, and takes what does: otherwise the kernel would reset the connection.
    func end() throws {
        peer.shutDownSending()
        _ = try peer.receiveAll()
        peer.close()
    }

    func pong() throws {
        try tell("'type':'pong','time':'2026-11-27T19:03:16.000Z'")
    }
}
