import Glibc

/// What was used between two moments: by the server, if its process is known, and by the generator itself.
struct Interval {
    private let server: Int32?
    private let begin = Nanoseconds.now
    private let serverBefore: ProcessUsage?
    private let generatorBefore: ProcessUsage?
    private let timeoutsBefore = KernelTimeouts.count

    /// Begins now.
    init(server: Int32?) {
        self.server = server
        serverBefore = server.flatMap { ProcessUsage(of: $0) }
        generatorBefore = ProcessUsage(of: getpid())
    }

    struct Usage {
        var seconds: Double
        var server: ServerReport?
        var generatorShare: Double
        /// Of TCP, of this machine as a whole.
        var timeouts: Int
    }

    /// What was used until now.
    func end() -> Usage {
        let nanoseconds = Nanoseconds.now - begin
        var usage = Usage(seconds: Double(nanoseconds) / 1e9, generatorShare: 0, timeouts: KernelTimeouts.count - timeoutsBefore)
        if let before = generatorBefore, let after = ProcessUsage(of: getpid()) {
            usage.generatorShare = Double(after.cpuNanoseconds - before.cpuNanoseconds) / Double(nanoseconds)
        }
        if let server, let before = serverBefore, let after = ProcessUsage(of: server) {
            // Threads that have ended meanwhile take their counts with them.
            let used = after.cpuNanoseconds - min(before.cpuNanoseconds, after.cpuNanoseconds)
            usage.server = ServerReport(
                cpuNanoseconds: used, cpuShare: Double(used) / Double(nanoseconds), residentBytes: after.residentBytes,
                wakeUps: after.wakeUps - min(before.wakeUps, after.wakeUps))
        }
        return usage
    }
}
