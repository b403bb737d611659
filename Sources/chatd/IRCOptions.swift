import ArgumentParser
import ChatCommandLine
import ChatReactor
import Glibc

/// The options of places for IRC clients.
struct IRCOptions: ParsableArguments {
    /// How long the file of the key may be.
    private static let keyLimit = 4_096

    @Option(help: ArgumentHelp("What the server calls itself to IRC clients.", valueName: "host"))
    var ircName: String?

    @Option(help: ArgumentHelp("A file with a secret that the shown hosts are made from.", valueName: "file"))
    var ircCloak: String?

    func validate() throws {
        guard let ircName else { return }
        let isHost = ircName.utf8.allSatisfy { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
        }
        guard isHost, ircName.contains("."), (3...63).contains(ircName.utf8.count) else {
            throw ValidationError("'\(ircName)' is no name of a host with a point in it; write irc.example.org, for example")
        }
    }

    /// Reads the file of the key.
    func configuration() throws(Failure) -> ChatServer.IRCConfiguration {
        var configuration = ChatServer.IRCConfiguration()
        configuration.serverName = ircName
        configuration.version = "chatd-\(version)"
        if let ircCloak {
            let text = try TextFile.read(ircCloak, called: "the key of --irc-cloak", limit: Self.keyLimit, badCode: EX_DATAERR)
            let key = text.utf8.prefix { $0 != UInt8(ascii: "\n") }
            // A short one is guessed, and with it every address.
            if key.count < 16 {
                throw Failure("the key in \(ircCloak) has less than 16 bytes in its first line", code: EX_DATAERR)
            }
            configuration.cloakKey = Array(key)
        }
        return configuration
    }
}
