import ArgumentParser
import ChatCommandLine
import ChatReactor

/// The program `chatd`: reads its arguments, and runs a `Daemon`.
@main
struct Chatd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chatd",
        abstract: "A chat relay: what one client sends reaches every other client.",
        usage: "chatd [<options>] | chatd ctl <command> | chatd passwd <name>",
        version: "chatd \(version)")

    @Option(help: ArgumentHelp("Listen on localhost; 0 picks a port.", valueName: "port"))
    var port: Count<0, 65_535> = 3001

    @Option(
        help: ArgumentHelp("Listen at [tls:|web:|irc:]host:port, unix:path…", valueName: "place"),
        transform: { try ListeningPlace($0) })
    var listen: [ListeningPlace] = []

    @Option(help: ArgumentHelp("What a message is.", valueName: "kind"))
    var framing = FramingName.auto

    @Option(help: ArgumentHelp("The longest line. (default: 64k; with --chat 8k)", valueName: "size"))
    var maxLine: ByteCount?

    @Option(help: ArgumentHelp("The line with which a client leaves.", valueName: "word"))
    var quitWord = "x"

    @Flag(help: "Relay that line like any other.")
    var noQuitWord = false

    @Flag(inversion: .prefixedNo, help: "Print every message; on a terminal by default.")
    var print: Bool?

    @Flag(inversion: .prefixedNo, help: "Relay standard input; a terminal by default.")
    var console: Bool?

    @Option(help: ArgumentHelp("How long ending may take.", valueName: "time"))
    var drainTimeout: TimeLimit = 5

    @Option(help: ArgumentHelp("From trace to critical.", valueName: "level"), completion: LogLevel.completion)
    var logLevel = LogLevel.notice

    @Option(help: ArgumentHelp("How the log is written.", valueName: "format"))
    var logFormat = LogFormat.text

    @OptionGroup(title: "Operation")
    var operation: OperationOptions

    @OptionGroup(title: "TLS")
    var tlsOptions: TLSOptions

    @OptionGroup(title: "Web")
    var webOptions: WebOptions

    @OptionGroup(title: "IRC")
    var ircOptions: IRCOptions

    @OptionGroup(title: "Cluster")
    var clusterOptions: ClusterOptions

    @OptionGroup(title: "Access")
    var accessOptions: AccessOptions

    @OptionGroup(title: "Slow clients")
    var slowOptions: SlowOptions

    @OptionGroup(title: "Limits")
    var limitOptions: LimitOptions

    @OptionGroup(title: "Logins")
    var loginOptions: LoginOptions

    @OptionGroup(title: "Options of a chat")
    var chatOptions: ChatOptions

    static func main() {
        // No subcommands in the parser's sense: the help of `chatd` is about the daemon.
        let rest = Array(CommandLine.arguments.dropFirst(2))
        switch CommandLine.arguments.dropFirst().first {
        case "ctl": ControlCommand.runAndExplain(rest)
        case "passwd": PasswordCommand.runAndExplain(rest)
        default: explainingFailure { try run(.current()) }
        }
    }

    func validate() throws {
        // A quit word with a newline in it could never be sent.
        if quitWord.utf8.contains(10) { throw ValidationError("--quit-word takes a word of one line") }
        if !chatOptions.chat, let option = loginOptions.given { throw ValidationError("\(option) needs --chat") }
        if loginOptions.requireLogin, loginOptions.passwordFile == nil, tlsOptions.tlsClientCa == nil {
            throw ValidationError("--require-login needs --password-file, or --tls-client-ca for those who have a certificate")
        }
        if chatOptions.chat, framing == .chunk {
            throw ValidationError("--chat is made of lines, so --framing chunk does not go with it")
        }
        if !chatOptions.chat, listen.contains(where: \.spoken.servesIRC) {
            throw ValidationError("a place for IRC needs --chat: a relay has neither names nor rooms")
        }
        if operation.loops.value != 1, chatOptions.chat, let option = firstOfOneServer {
            throw ValidationError("\(option) is for a chat on one loop, so --loops does not go with it; --send-threads does")
        }
        if operation.loops.value != 1, !chatOptions.chat, listen.contains(where: \.spoken.servesWeb) {
            throw ValidationError(
                "a relay with a place for the web is served by one loop, so --loops does not go with it; --send-threads does")
        }
        if operation.loops.value != 1, operation.sendThreads.value != 1 {
            throw ValidationError("each of several loops sends by itself, so --send-threads does not go with --loops")
        }
        if clusterOptions.cluster != nil {
            if chatOptions.chat, let option = firstOfOneServer {
                throw ValidationError("\(option) is for a chat of one machine, so --cluster does not go with it")
            }
            if chatOptions.chat, clusterOptions.clusterOutage == .local {
                throw ValidationError(
                    "--cluster-outage local is for a relay: in a chat, the servers decide together who has which name")
            }
            if !chatOptions.chat, listen.contains(where: \.spoken.servesWeb) {
                throw ValidationError(
                    "a relay with a place for the web is served by one machine, so --cluster does not go with it")
            }
            if let maxLine, maxLine.value > 1 << 20 {
                throw ValidationError("with --cluster a line has at most 1m, so --max-line \(maxLine) does not go with it")
            }
        }
        if tlsOptions.tlsCertificate.isEmpty, listen.contains(where: \.spoken.usesTLS) {
            throw ValidationError("a place with TLS needs a --tls-certificate and its --tls-key")
        }
    }

    /// Where clients connect, if no sockets for them were passed; those take the place of what would be by default.
    func clientPlaces(besides passed: PassedSockets) -> [ListeningPlace] {
        if !listen.isEmpty || passed.hasClients { return listen }
        return [ListeningPlace(tcp: "localhost", port: UInt16(port.value))]
    }

    /// One of the options, if one is given, that is for a chat whose people are all at one server, on one loop.
    private var firstOfOneServer: String? {
        if chatOptions.roomLog != nil { return "--room-log" }
        if listen.contains(where: \.spoken.servesIRC) { return "a place for IRC" }
        return nil
    }

    private static func run(_ settings: Settings) throws {
        if settings.options.operation.checkConfig {
            // Also what the options name has to be there.
            _ = try settings.options.serverConfiguration()
            _ = try settings.options.ircOptions.configuration()
            _ = try ServerCertificates(settings.options.tlsOptions)
            _ = try settings.options.loginOptions.readPasswords()
            _ = try settings.options.clusterOptions.readPassword()
            return try StandardOutput.write(settings.description)
        }
        let daemon = try Daemon(settings)
        try daemon.run()
    }

    var effectiveQuitWord: String? { noQuitWord ? nil : quitWord }

    /// The limits of clients from elsewhere, and those of this machine's: in a chat, some have a limit without an option.
    func clientLimits(ofChat isChat: Bool) -> (remote: ChatServer.ClientLimits, local: ChatServer.ClientLimits) {
        var limits = (isChat ? ChatServer.ClientLimits.ofPeople : .init(), ChatServer.ClientLimits())
        limitOptions.apply(to: &limits.0)
        limitOptions.apply(to: &limits.1)
        return limits
    }

    func serverConfiguration() throws(Failure) -> ChatServer.Configuration {
        var configuration = ChatServer.Configuration()
        configuration.chat = try chatOptions.configuration()
        configuration.chat?.loginRules = try loginOptions.rules()
        configuration.framing = framing.framing
        configuration.maximumMessageLength = maxLine?.value ?? (chatOptions.chat ? 8_192 : 65_536)
        configuration.quitWord = effectiveQuitWord
        configuration.logCapacity = slowOptions.logSize.value
        configuration.slowClients = slowOptions.policy
        configuration.slowHighWater = slowOptions.highWater?.value
        (configuration.limits, configuration.localLimits) = clientLimits(ofChat: chatOptions.chat)
        configuration.access = try accessOptions.rules()
        configuration.access.webProxies = try webOptions.proxies()
        configuration.access.webOrigins = webOptions.origins
        return configuration
    }
}
