/// The name under which the user logs in, and its password. They are kept in memory alone, so that the client can log in again after a break of the
/// connection.
struct Credentials: Equatable {
    let name: String
    let password: String

    init(name: String, password: String) {
        self.name = name
        self.password = password
    }

    /// Those of a line that the user sends; nil if it is no `/login`, or lacks one of the two.
    init?(_ line: String) {
        guard line.commandName == "/login" else { return nil }
        let words = line.split(maxSplits: 2) { $0 == " " || $0 == "\t" }
        guard words.count == 3 else { return nil }
        self.init(name: String(words[1]), password: String(words[2]))
    }

    /// What is sent.
    var line: String { "/login \(name) \(password)" }

    /// Whether a line of the user's is one that nobody else is to read, so that it is kept nowhere: a login, or one that has the key of a room. A
    /// login with spaces before it, or without its slash, a server refuses, and it has the password all the same.
    static func areIn(_ line: String) -> Bool {
        let words = line.drop { $0 == "/" || $0 == " " || $0 == "\t" }.split(maxSplits: 4) { $0 == " " || $0 == "\t" }
        switch words.first?.lowercased() {
        case "login": return true
        case "join": return line.commandName == "/join" && words.count > 2
        case "resume": return line.commandName == "/resume" && words.count > 4
        default: return false
        }
    }

    /// Such a line, as it stays on the screen.
    static func shown(_ line: String) -> String {
        let words = line.split(maxSplits: 2) { $0 == " " || $0 == "\t" }
        return words.prefix(2).joined(separator: " ") + (words.count > 2 ? " ***" : "")
    }
}
