import ArgumentParser
import CommandLineSupport
import Glibc
import Reactor

/// The terminal client: arguments in, library calls out.
@main
struct Chat: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat",
        abstract: "Talk with everybody else at a chat server.",
        discussion: """
            What you type goes to everybody else, and what they type is shown. The line \
            'x' leaves. With standard input not a terminal, every line of it is sent.
            """,
        version: "chat \(version)")

    @Argument(help: ArgumentHelp("Where the server is; also unix:PATH.", valueName: "host[:port]"))
    var server = "localhost:3001"

    @Option(help: ArgumentHelp("How long to stay after the end of a piped input.", valueName: "seconds"))
    var linger: Seconds = 1

    @Option(help: ArgumentHelp("How long to try each address of the server.", valueName: "seconds"))
    var connectTimeout: Seconds = 10

    static func main() {
        runAndExplain()
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
        case .couldNotConnect(let address, let reason):
            throw Failure("cannot connect to \(address): \(reason)", code: EX_UNAVAILABLE)
        case .serverGone(.endOfInput): throw Failure("the server has closed the connection", code: EX_TEMPFAIL)
        case .serverGone(let reason): throw Failure("the server is gone: \(reason)", code: EX_TEMPFAIL)
        case .outputGone: throw Failure("nobody reads what is printed", code: EX_IOERR)
        }
    }

    private func talk(with addresses: [SocketAddress]) throws -> ChatClient.Outcome? {
        do throws(Errno) {
            var configuration = ChatClient.Configuration()
            configuration.connectTimeout = connectTimeout.duration
            configuration.isTerminal = isatty(STDOUT_FILENO) == 1
            configuration.linger = isatty(STDIN_FILENO) == 1 ? .zero : linger.duration
            let loop = try EventLoop()
            var outcome: ChatClient.Outcome?
            let client = try ChatClient(to: addresses, on: loop, configuration: configuration) {
                outcome = $0
                loop.stop()
            }
            client.start()
            // A failure to connect may be known already.
            if outcome == nil { try loop.run() }
            return outcome
        } catch {
            throw Failure("cannot start: \(error)", code: EX_OSERR)
        }
    }
}
