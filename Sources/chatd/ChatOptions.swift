import ArgumentParser
import ChatCommandLine
import ChatReactor
import Glibc

/// The options of a chat: `--chat`, and those that need it.
struct ChatOptions: ParsableArguments {
    @Flag(help: "Be a chat with names, rooms and history.")
    var chat = false

    @Option(help: ArgumentHelp("What the server is called. (default: the host's name)", valueName: "name"))
    var name: String?

    @Option(help: ArgumentHelp("Greet newcomers with the lines of a file.", valueName: "file"), completion: .file())
    var motd: String?

    @Option(help: ArgumentHelp("How many messages newcomers get, up to 10000. (default: 20)", valueName: "n"))
    var history: Count<0, 10_000>?

    @Option(help: ArgumentHelp("What a room keeps. (default: 1m for the lobby, 64k for others)", valueName: "size"))
    var roomSize: ByteCount?

    @Option(
        help: ArgumentHelp("How a line is shown; also ncat, none. (default: {name}: {text})", valueName: "template"),
        transform: Self.label)
    var label: TextLabel?

    @Option(help: ArgumentHelp("Keep history in files there.", valueName: "dir"), completion: .directory)
    var roomLog: String?

    @Option(
        help: ArgumentHelp("Take the commands of chatd ctl there.", valueName: "unix:path"), transform: { try ControlPath($0) })
    var control: ControlPath?

    @Option(help: ArgumentHelp("Keep the operator's bans in a file.", valueName: "file"), completion: .file())
    var bans: String?

    @Option(
        help: ArgumentHelp("Do not list this room; repeatable; also name:key.", valueName: "name"),
        transform: { try secretRoom($0) })
    var secretRoom: [SecretRoom] = []

    /// The secret rooms as they may be shown, without their keys; nil if there are none.
    var secretRoomNames: String? {
        secretRoom.isEmpty ? nil : secretRoom.map { "\($0.name)\($0.key == nil ? "" : ":***")" }.joined(separator: ", ")
    }

    /// A name, and what stands behind a colon.
    private static func secretRoom(_ argument: String) throws -> SecretRoom {
        let parts = argument.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        let name = try ChatName(parts[0].hasPrefix("#") ? String(parts[0].dropFirst()) : parts[0])
        if name == (try ChatName("lobby")) { throw ValidationError("everybody enters the lobby first") }
        if parts.count == 1 { return SecretRoom(name) }
        // What could not be typed behind `/join`.
        if parts[1].isEmpty || parts[1].contains(where: \.isNewline) || parts[1].first == " " || parts[1].last == " " {
            throw ValidationError("a key is one line, with no spaces around it")
        }
        return SecretRoom(name, key: parts[1])
    }

    private static func label(_ argument: String) throws -> TextLabel {
        switch argument {
        case "ncat": return .ncat
        case "none": return .none
        case "address":
            // Records have names alone, and so has the history that is made of them.
            throw ValidationError("people do not see each other's addresses")
        default: return try TextLabel(argument)
        }
    }

    func validate() throws {
        let given: [(String, Bool)] = [
            ("--name", name != nil), ("--motd", motd != nil), ("--history", history != nil), ("--room-size", roomSize != nil),
            ("--label", label != nil), ("--room-log", roomLog != nil), ("--control", control != nil),
            ("--bans", bans != nil), ("--secret-room", !secretRoom.isEmpty),
        ]
        if !chat, let (option, _) = given.first(where: \.1) { throw ValidationError("\(option) needs --chat") }
        if let name, name.isEmpty || name.utf8.contains(10) { throw ValidationError("--name takes a name of one line") }
    }

    /// What the options say, or nil for a relay. Reads the message of the day.
    func configuration() throws(Failure) -> Chat.Configuration? {
        if !chat { return nil }
        var configuration = Chat.Configuration(name: effectiveName)
        configuration.messageOfTheDay = try readMessageOfTheDay()
        configuration.history = effectiveHistory
        if let roomSize { (configuration.lobbySize, configuration.roomSize) = (roomSize.value, roomSize.value) }
        if let label { configuration.label = label }
        configuration.roomLogDirectory = roomLog
        configuration.secretRooms = secretRoom
        return configuration
    }

    var effectiveName: String { name ?? Self.hostName() }

    var effectiveHistory: Int { history?.value ?? Chat.Configuration(name: "").history }

    func readMessageOfTheDay() throws(Failure) -> [String] {
        guard let motd else { return [] }
        return try MessageOfTheDay.read(motd)
    }

    /// The bans, which are read from the file if there is one.
    func readBans() throws(Failure) -> BanList {
        guard let bans else { return BanList() }
        do throws(BanListError) {
            return try BanList(file: bans)
        } catch {
            let code = error.error == nil ? EX_DATAERR : error.error == .permissionDenied ? EX_NOPERM : EX_CANTCREAT
            throw Failure("\(error)", code: code)
        }
    }

    /// The corresponding C function is `gethostname`.
    private static func hostName() -> String {
        // Longer than the kernel's names, so the zero is always there.
        var name = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&name, name.count) == 0, name[0] != 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
