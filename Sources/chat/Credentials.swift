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
        let (name, password) = line.argument.splitAtSpace
        if name.isEmpty || password.isEmpty { return nil }
        self.init(name: name, password: password)
    }

    /// What is sent.
    var line: String { "/login \(name) \(password)" }

    /// Whether a line of the user's is one that nobody else is to read, so that it is kept nowhere: a login, or one that has the key of a room. One
    /// with spaces before it, or a login without its slash, a server refuses, and it has the password or the key all the same.
    static func areIn(_ line: String) -> Bool {
        let bare = String(Substring(line.unicodeScalars.drop { $0 == "/" || $0 == " " || $0 == "\t" }))
        if bare.splitAtSpace.first.lowercased() == "login" { return true }
        let command = line.trimmed
        switch command.commandName {
        case "/join": return !command.argument.splitAtSpace.rest.isEmpty
        case "/resume": return !command.argument.splitAtSpace.rest.splitAtSpace.rest.splitAtSpace.rest.isEmpty
        default: return false
        }
    }

    /// Such a line, as it stays on the screen.
    static func shown(_ line: String) -> String {
        let (command, argument) = line.trimmed.splitAtSpace
        let (first, secret) = argument.splitAtSpace
        return [command, first, secret.isEmpty ? "" : "***"].filter { !$0.isEmpty }.joined(separator: " ")
    }
}
