import ArgumentParser
import ChatCommandLine
import Glibc
import Reactor

/// The options that the file of preferences may have, too. What is nil was not given.
struct Preferences: ParsableArguments {
    @Option(help: "Be called so, at a server that knows names.")
    var name: String?

    @Option(help: "Enter this room.")
    var room: String?

    @Option(help: ArgumentHelp("Show so many messages of the past.", valueName: "n"))
    var history: Int?

    @Flag(inversion: .prefixedNo, help: "Ring when your name is said (default: --no-bell).")
    var bell: Bool?

    @Flag(inversion: .prefixedNo, help: "Colour names (default: unless NO_COLOR is set).")
    var color: Bool?

    @Flag(inversion: .prefixedNo, help: "Neither edit nor redraw the typed line.")
    var plain: Bool?

    @Flag(
        inversion: .prefixedNo,
        help: ArgumentHelp("Connect again when the connection is lost (default: at a terminal).", visibility: .hidden))
    var reconnect: Bool?

    @Option(help: ArgumentHelp("Stay so long after a piped input (default: 1s).", valueName: "time"))
    var linger: TimeLimit?

    @Option(help: ArgumentHelp("Try each address so long (default: 10s).", valueName: "time", visibility: .hidden))
    var connectTimeout: TimeLimit?

    @Option(help: ArgumentHelp("The typed line that leaves (default: x).", valueName: "word"))
    var quitWord: String?

    @Flag(help: ArgumentHelp("Send that line like any other.", visibility: .hidden))
    var noQuitWord = false

    @OptionGroup(title: "TLS")
    var security: TLSPreferences

    func validate() throws {
        // Nobody could type a quit word with a newline in it.
        if let quitWord, quitWord.contains(where: \.isNewline) { throw ValidationError("--quit-word takes a word of one line") }
        for (option, value) in [("name", name), ("room", room)] {
            guard let value else { continue }
            // It becomes an argument of a command, in a line.
            if value.isEmpty || value.contains(where: \.isWhitespace) { throw ValidationError("--\(option) takes one word") }
        }
        if let history, history < 0 { throw ValidationError("--history takes a number from 0") }
    }

    /// Those of somebody who has given none.
    static var none: Preferences {
        // The parser takes no arguments for what it is: all of them are nil.
        do { return try parse([]) } catch { preconditionFailure("\(error)") }
    }

    /// Whether there is something that only a chat server can do.
    var asksForChat: Bool { name != nil || room != nil || history != nil }

    var connectTime: Duration { connectTimeout?.duration ?? .seconds(10) }
    var lingerTime: Duration { linger?.duration ?? .seconds(1) }
    /// The quit word; nil if none leaves.
    var word: String? { noQuitWord ? nil : quitWord ?? "x" }
    /// See https://no-color.org.
    var isColored: Bool {
        if let color { return color }
        if environmentVariable("NO_COLOR") ?? "" != "" { return false }
        // The terminals of that name had none.
        return environmentVariable("TERM")?.hasPrefix("vt") != true
    }

    /// Takes what was not given from others.
    mutating func fill(from other: Preferences) {
        name = name ?? other.name
        room = room ?? other.room
        history = history ?? other.history
        bell = bell ?? other.bell
        color = color ?? other.color
        plain = plain ?? other.plain
        reconnect = reconnect ?? other.reconnect
        linger = linger ?? other.linger
        connectTimeout = connectTimeout ?? other.connectTimeout
        security.fill(from: other.security)
        if quitWord == nil, !noQuitWord { (quitWord, noQuitWord) = (other.quitWord, other.noQuitWord) }
    }
}
