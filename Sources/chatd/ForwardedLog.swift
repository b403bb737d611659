import Logging
import Reactor

/// Where a `Logger` writes.
protocol LogSink: Sendable {
    func log(_ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata)
}

/// Passes what happens on another loop to the daemon's, which writes the log. Of a flood, what comes while a thousand lines are on their way is left out
/// and counted.
final class ForwardedLog: LogSink {
    private let output: LogOutput
    private let forwarder: Forwarder

    init(to output: LogOutput, on home: EventLoop.Remote) {
        self.output = output
        forwarder = Forwarder(to: home, limit: 1_000)
    }

    func log(_ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata) {
        forwarder.pass { [output] omitted in
            output.addOmitted(omitted)
            output.log(level, message, metadata)
        }
    }
}
