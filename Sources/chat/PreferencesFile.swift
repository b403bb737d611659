import ArgumentParser
import ChatCommandLine
import ChatReactorText
import Glibc

/// The file of preferences: an object of JSON whose keys are options, and which has servers by name, each with its own.
///
///     {"name": "ana", "bell": true, "servers": {"work": {"server": "chat.example.org", "room": "ops"}}}
///
/// What the command line says goes before what the server's entry says, and that before what the file says for all.
struct PreferencesFile {
    private static let keys = [
        "name", "room", "history", "bell", "color", "plain", "reconnect", "linger", "connect-timeout", "quit-word",
        "no-quit-word", "tls", "tls-ca", "tls-certificate", "tls-key", "tls-trust-on-first-use",
    ]

    private let path: String
    private let members: [JSON.Member]

    /// Where to connect to, if that is said anywhere, and the preferences that count.
    ///
    /// - Throws: A sentence with the file, the line and the column of what is wrong there.
    static func resolve(_ command: Chat) throws(Failure) -> (server: String?, preferences: Preferences) {
        var preferences = command.preferences
        guard let file = try PreferencesFile(at: command.config) else { return (command.server, preferences) }
        let general = try file.section(file.members.filter { $0.key != "servers" })
        var server = command.server ?? general.server
        // A name without a port or a slash may be one of the file's; a host of the same name is meant with its port.
        if let name = server, let entry = file.members.first(where: { $0.key == "servers" })?.value[name] {
            guard let members = entry.members else { throw file.failure(entry.position, "\(name): a server is an object") }
            let its = try file.section(members)
            // As an entry for a host has it, whose name says all.
            server = its.server ?? name
            preferences.fill(from: its.preferences)
        }
        preferences.fill(from: general.preferences)
        return (server, preferences)
    }

    /// - Parameter path: Nil for the usual place, where there need not be one.
    private init?(at path: String?) throws(Failure) {
        guard let place = path ?? UserDirectory.path(of: "config.json", in: "XDG_CONFIG_HOME", orElse: ".config"),
            unsafe path != nil || access(place, F_OK) == 0
        else { return nil }
        self.path = place
        let text = try TextFile.read(place, called: "the preferences", limit: 1 << 20, badCode: EX_CONFIG)
        do throws(JSON.Invalid) {
            let value = try JSON(parsing: text)
            guard let members = value.members else {
                throw .init(position: value.position, reason: "the preferences are an object, which begins with {")
            }
            self.members = members
        } catch {
            throw Failure("\(place), \(error)", code: EX_CONFIG)
        }
        if let servers = members.first(where: { $0.key == "servers" }), servers.value.members == nil {
            throw failure(servers.value.position, "servers: an object is expected, with an object for each name")
        }
    }

    private func failure(_ position: JSON.Position, _ reason: String) -> Failure {
        Failure("\(path), \(position): \(reason)", code: EX_CONFIG)
    }

    /// Reads the options of an object. Each is handed to the parser of arguments, which alone knows what it takes.
    private func section(_ members: [JSON.Member]) throws(Failure) -> (server: String?, preferences: Preferences) {
        var server: String?
        var preferences = Preferences.none
        for member in members {
            switch (member.key, member.value.content) {
            case ("server", .text(let text)): server = text
            case let (key, content) where Self.keys.contains(key):
                let argument: String
                switch content {
                case .text(let text): argument = "--\(key)=\(text)"
                case .number(let text): argument = "--\(key)=\(text)"
                case .bool(true): argument = "--\(key)"
                case .bool(false): argument = key.hasPrefix("no-") ? "" : "--no-\(key)"
                default: throw failure(member.value.position, "\(key) takes a string, a number, true or false")
                }
                if argument.isEmpty { continue }
                do {
                    preferences.fill(from: try Preferences.parse([argument]))
                } catch {
                    throw failure(member.position, "\(key): \(Self.reason(Preferences.message(for: error)))")
                }
            case ("server", _): throw failure(member.value.position, "server takes a string")
            default:
                throw failure(
                    member.position,
                    "there is no preference \(member.key); there are server, servers, \(Self.keys.joined(separator: ", "))")
            }
        }
        return (server, preferences)
    }

    private static func reason(_ message: String) -> String {
        let sentence = message.split(separator: "\n").first.map(String.init) ?? message
        return sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
    }
}
