import ArgumentParser
import ChatCommandLine

/// The options that are about running the daemon, and not about its clients.
struct OperationOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Read options from a file of JSON.", valueName: "file"), completion: .file())
    var config: String?

    @Flag(help: "Show what would be run with, and end.")
    var checkConfig = false

    @Option(
        help: ArgumentHelp("How much memory may wait for clients. (default: off)", valueName: "size"),
        transform: { try ByteCount($0, in: 1...1 << 40) })
    var memoryLimit: ByteCount?

    @Option(
        help: ArgumentHelp("Serve /metrics for Prometheus there.", valueName: "host:port"), transform: { try ListeningPlace($0) })
    var metrics: ListeningPlace?

    @Option(help: ArgumentHelp("How many threads serve clients; 0 is one a processor.", valueName: "count"))
    var loops: Count<0, 256> = 1

    @Option(help: ArgumentHelp("How many threads send what many get; 0 is one a processor.", valueName: "count"))
    var sendThreads: Count<0, 256> = 1

    @Flag(help: "Keep each of them on a processor of its own.")
    var pinLoops = false

    @Flag(help: "Keep the rights that are not needed after the start.")
    var noSandbox = false

    /// How many loops there are.
    var loopCount: Int { loops.value > 0 ? loops.value : Processors.available.count }
    /// How many threads help the loop with sending: also on a machine with more processors, no more than can be asked for.
    var sendHelperCount: Int { min(sendThreads.value > 0 ? sendThreads.value : Processors.available.count, 256) - 1 }

    func validate() throws {
        switch metrics?.spoken {
        case nil, .lines: break
        case .linesOverTLS: throw ValidationError("metrics are served without TLS; put a proxy that has it before them")
        case .irc, .ircOverTLS: throw ValidationError("metrics are no part of what irc: serves; write HOST:PORT")
        case .web, .webOverTLS: throw ValidationError("metrics are no part of what web: serves; write HOST:PORT")
        }
    }
}
