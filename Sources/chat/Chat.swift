import ArgumentParser
import ChatCommandLine
import ChatTerminal
import Glibc
import Reactor

/// The program `chat`: reads its arguments and its file of preferences, runs one of its clients, and says how that ended.
@main
struct Chat: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat",
        abstract: "Talk with everybody else at a chat server. The line 'x' leaves.",
        usage: "chat [options] [host[:port]]",
        version: "chat \(version)")

    @Argument(help: ArgumentHelp("Or tls://HOST, unix:PATH, a name in the file.", valueName: "host[:port]"))
    var server: String?

    @OptionGroup
    var preferences: Preferences

    @Flag(help: "Print an object of JSON for each message.")
    var json = false

    @Option(help: ArgumentHelp("Send this, and leave when the server has it.", valueName: "text"))
    var send: String?

    @Option(help: ArgumentHelp("Leave after so many messages.", valueName: "n"))
    var receive: Int?

    @Option(help: ArgumentHelp("Give up when all takes longer.", valueName: "time"))
    var timeout: TimeLimit?

    @Option(help: ArgumentHelp("Log in under this name.", valueName: "name", visibility: .hidden))
    var login: String?

    @Option(
        help: ArgumentHelp("Take the password from the first line of this.", valueName: "file", visibility: .hidden),
        completion: .file())
    var passwordFile: String?

    @Option(help: ArgumentHelp("Read preferences and servers from it.", valueName: "file"))
    var config: String?

    static func main() {
        runAndExplain()
    }

    func validate() throws {
        if let receive, receive < 1 { throw ValidationError("--receive takes a number from 1") }
        if let send, send.contains(where: \.isNewline) { throw ValidationError("--send takes one line") }
        if let login, login.isEmpty || login.contains(where: \.isWhitespace) { throw ValidationError("--login takes one word") }
        if passwordFile != nil, login == nil { throw ValidationError("--password-file needs --login") }
        if send == "" { throw ValidationError("--send takes a line that is not empty") }
    }

    func run() throws {
        signal(SIGPIPE, SIG_IGN)
        let (place, preferences) = try PreferencesFile.resolve(self)
        let target = try ServerPlace(place, preferences.security, given: self.preferences.security)
        let endpoint = target.endpoint
        let trust = target.usesTLS ? try ServerTrust(preferences.security, for: endpoint) : nil
        let addresses: [SocketAddress]
        do throws(EndpointError) {
            addresses = try endpoint.resolve()
        } catch {
            throw Failure("\(error)", code: EX_NOHOST)
        }
        if login != nil, trust == nil, let address = addresses.first(where: { !$0.isOnThisMachine }) {
            let reason = "the password would go to \(address) for everybody on the way to read"
            throw Failure("cannot log in without TLS: \(reason); use --tls, or /login once you are connected", code: EX_NOPERM)
        }
        let loop: EventLoop
        do throws(Errno) {
            loop = try EventLoop()
        } catch {
            throw Failure("cannot start: \(error)", code: EX_OSERR)
        }
        if let failure = try talk(at: endpoint, addresses, preferences, trust, try readCredentials(), on: loop)?.failure {
            throw failure
        }
    }

    /// The password of `--login`: from the environment, from a file, or else from who sits at the terminal.
    private func readCredentials() throws(Failure) -> Credentials? {
        guard let login else { return nil }
        if let password = try Secret.variable("CHAT_PASSWORD") { return Credentials(name: login, password: password) }
        if let passwordFile { return Credentials(name: login, password: try Secret.readLine(ofFile: passwordFile)) }
        return Credentials(name: login, password: try Secret.ask("Password of \(login): "))
    }

    private var isInputTerminal: Bool { Terminal.isTerminal(STDIN_FILENO) }
    private var isOutputTerminal: Bool { Terminal.isTerminal(STDOUT_FILENO) }
    /// Whether a script has asked for something, and no person.
    private var isScripted: Bool { json || send != nil || receive != nil }
    /// Whether a person is at a terminal.
    private var isForPeople: Bool { isInputTerminal && isOutputTerminal && !isScripted }

    /// Runs the client that fits, and returns how that ended.
    private func talk(
        at endpoint: Endpoint, _ addresses: [SocketAddress], _ preferences: Preferences, _ trust: ServerTrust?,
        _ credentials: Credentials?, on loop: EventLoop
    ) throws(Failure) -> Outcome? {
        var outcome: Outcome?
        let onEnd: (Outcome) -> Void = {
            outcome = $0
            loop.stop()
        }
        var client: AnyObject?
        do throws(Errno) {
            // In a pipe, it is bytes as they are, unless the user asks for what a chat alone has.
            if !isForPeople, !isScripted, !self.preferences.asksForChat, credentials == nil {
                let pipe = try PipeClient(
                    to: addresses, on: loop, configuration: pipeConfiguration(preferences, trust), onEnd: onEnd)
                client = pipe
                pipe.start()
            } else {
                let session = Session(sessionConfiguration(endpoint, preferences, trust, credentials), on: loop)
                if isForPeople, preferences.plain != true, Terminal.canRedraw(environmentVariable("TERM")) {
                    let options = TerminalView.Options(isColored: preferences.isColored, ringsBell: preferences.bell ?? false)
                    let file = HistoryFile(at: HistoryFile.standardPath)
                    client = try TerminalView(of: session, options: options, historyFile: file, onEnd: onEnd)
                } else {
                    client = try StreamView(of: session, options: streamOptions(preferences), onEnd: onEnd)
                }
                if let timeout { loop.schedule(after: timeout.duration) { session.timeOut() } }
                session.start(at: addresses)
            }
        } catch {
            throw Failure("cannot write standard output: \(error)", code: EX_IOERR)
        }
        do throws(Errno) {
            // A failure to connect may be known already.
            if outcome == nil { try loop.run() }
        } catch {
            throw Failure("cannot go on: \(error)", code: EX_OSERR)
        }
        // Otherwise the optimizer may release the client before it has ended: its timers and its output refer to it weakly.
        withExtendedLifetime(client) {}
        return outcome
    }

    private func pipeConfiguration(_ preferences: Preferences, _ trust: ServerTrust?) -> PipeClient.Configuration {
        var configuration = PipeClient.Configuration()
        configuration.trust = trust
        configuration.connectTimeout = preferences.connectTime
        configuration.isInputTerminal = isInputTerminal
        configuration.isOutputTerminal = isOutputTerminal
        configuration.linger = isInputTerminal ? .zero : preferences.lingerTime
        configuration.quitWord = preferences.word
        configuration.timeout = timeout?.duration
        return configuration
    }

    private func sessionConfiguration(
        _ endpoint: Endpoint, _ preferences: Preferences, _ trust: ServerTrust?, _ credentials: Credentials?
    ) -> Session.Configuration {
        var configuration = Session.Configuration(endpoint: endpoint)
        configuration.trust = trust
        configuration.connectTimeout = preferences.connectTime
        configuration.reconnects = isForPeople && preferences.reconnect != false
        configuration.insists = !isForPeople
        configuration.credentials = credentials
        configuration.name = preferences.name
        configuration.room = preferences.room
        // The server's own history comes as lines, without colours and in the zone of the server.
        configuration.history = preferences.history ?? (isForPeople ? 20 : nil)
        // A relay says nothing by itself. People do not wait for it for long; a script that has asked for a name is not to speak without.
        if preferences.asksForChat || credentials != nil {
            configuration.greetingTime = isForPeople ? .seconds(1) : configuration.connectTimeout
        }
        if send != nil, receive == nil { (configuration.lingerTime, configuration.needsEnd) = (.seconds(10), true) }
        configuration.quitWord = preferences.word
        // A program wants whole lines.
        configuration.showsUnfinishedLines = !json
        return configuration
    }

    private func streamOptions(_ preferences: Preferences) -> StreamView.Options {
        var options = StreamView.Options()
        options.form = json ? .json : .text
        options.message = send
        options.messageCount = receive
        options.linger = isInputTerminal ? .zero : preferences.lingerTime
        options.takesQuitWord = isInputTerminal
        return options
    }
}
