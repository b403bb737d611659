import ArgumentParser
import CommandLineSupport
import Glibc
import Reactor

/// The program `chat`: reads its arguments, runs a `ChatClient`, and says how that ended.
@main
struct Chat: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat",
        abstract: "Talk with everybody else at a chat server.",
        usage: "chat [options] [host[:port]]",
        discussion: """
            What you type goes to everybody else, and what they type is shown. The line \
            'x' leaves. A pipe or a file is sent, and printed, byte for byte.
            """,
        version: "chat \(version)")

    @Argument(help: ArgumentHelp("Where the server is; also unix:PATH.", valueName: "host[:port]"))
    var server = "localhost:3001"

    @Option(help: ArgumentHelp("How long to stay after a piped input.", valueName: "time"))
    var linger: TimeLimit = 1

    @Option(help: ArgumentHelp("How long to try each address.", valueName: "time"))
    var connectTimeout: TimeLimit = 10

    @Option(help: ArgumentHelp("The typed line that leaves.", valueName: "word"))
    var quitWord = "x"

    @Flag(help: "Send that line like any other.")
    var noQuitWord = false

    static func main() {
        runAndExplain()
    }

    func validate() throws {
        // Nobody could type a quit word with a newline in it.
        if quitWord.utf8.contains(10) { throw ValidationError("--quit-word takes a word of one line") }
    }

    func run() throws {
        signal(SIGPIPE, SIG_IGN)
        let endpoint: Endpoint
        let addresses: [SocketAddress]
        do throws(EndpointError) {
            endpoint = try Endpoint(server, defaultPort: 3001)
        } catch {
            throw Failure("\(error)", code: EX_USAGE)
        }
        do throws(EndpointError) {
            addresses = try endpoint.resolve()
        } catch {
            throw Failure("\(error)", code: EX_NOHOST)
        }
        switch try talk(with: addresses) {
        case .finished, nil: return
        case .couldNotConnect(let attempts):
            let sentences = attempts.map { "to \($0.address): \(Self.sentence(for: $0.reason))" }
            throw Failure("cannot connect \(sentences.joined(separator: ", nor "))", code: EX_UNAVAILABLE)
        case .serverGone(_, let explanation?):
            throw Failure("the server has closed the connection: \(explanation)", code: EX_TEMPFAIL)
        case .serverGone(.endOfInput, nil): throw Failure("the server has closed the connection", code: EX_TEMPFAIL)
        case .serverGone(let reason, nil): throw Failure("the server is gone: \(reason)", code: EX_TEMPFAIL)
        case .inputFailed(let reason): throw Failure("cannot read standard input: \(reason)", code: EX_IOERR)
        case .outputGone(.failed(let error)) where error != .brokenPipe && error != Errno(rawValue: EIO):
            throw Failure("cannot write standard output: \(error)", code: EX_IOERR)
        case .outputGone: throw Failure("nobody reads what is printed", code: EX_IOERR)
        }
    }

    /// Why an address could not be connected to.
    private static func sentence(for reason: CloseReason) -> String {
        // What the system says of a Unix-domain socket whose queue is full: "Resource temporarily unavailable".
        reason == .failed(.wouldBlock) ? "too many others are waiting to be accepted there" : "\(reason)"
    }

    private func talk(with addresses: [SocketAddress]) throws(Failure) -> ChatClient.Outcome? {
        var configuration = ChatClient.Configuration()
        configuration.connectTimeout = connectTimeout.duration
        configuration.isInputTerminal = isatty(STDIN_FILENO) == 1
        configuration.isOutputTerminal = isatty(STDOUT_FILENO) == 1
        configuration.linger = configuration.isInputTerminal ? .zero : linger.duration
        configuration.quitWord = noQuitWord ? nil : quitWord
        let loop: EventLoop
        do throws(Errno) {
            loop = try EventLoop()
        } catch {
            throw Failure("cannot start: \(error)", code: EX_OSERR)
        }
        var outcome: ChatClient.Outcome?
        let client: ChatClient
        do throws(Errno) {
            client = try ChatClient(to: addresses, on: loop, configuration: configuration) {
                outcome = $0
                loop.stop()
            }
        } catch {
            throw Failure("cannot write standard output: \(error)", code: EX_IOERR)
        }
        client.start()
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
}
