import Logging
import Reactor
import Synchronization

/// Where a `Logger` writes.
protocol LogSink: Sendable {
    func log(_ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata)
}

/// Passes what happens on another loop to the daemon's, which writes the log. Of a flood, what comes while a thousand lines are on their way is left out
/// and counted.
final class ForwardedLog: LogSink {
    private let output: LogOutput
    private let home: EventLoop.Remote
    private let underWay = Atomic(0)
    private let omitted = Atomic(0)

    init(to output: LogOutput, on home: EventLoop.Remote) {
        self.output = output
        self.home = home
    }

    func log(_ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata) {
        if underWay.load(ordering: .relaxed) >= 1_000 {
            omitted.add(1, ordering: .relaxed)
            return
        }
        underWay.add(1, ordering: .relaxed)
        home.execute { [self] _ in
            underWay.subtract(1, ordering: .relaxed)
            output.addOmitted(omitted.exchange(0, ordering: .relaxed))
            output.log(level, message, metadata)
        }
    }
}
