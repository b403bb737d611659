import ChatCommandLine
import Glibc
import Logging
import Reactor

/// Standard error, where the log goes and what the operator is told.
///
/// It is written by the loop, and without waiting: a program that does not read it holds up nobody. Lines for which there is no room are left out and
/// counted, and the count is logged in their place.
///
/// It belongs to the loop's thread, and so does every logger that writes to it. A `Logger` has to be `Sendable`; this one goes nowhere.
final class LogOutput: @unchecked Sendable {
    var format: LogFormat
    private var loop: EventLoop?
    private var output: TerminalOutput?
    /// Whether standard error is a socket, as that of a service of systemd is: then each line is sent at once, if there is room for it.
    private(set) var isSocket = false
    private var omittedCount = 0
    /// Whether the last line could be written only in part, as to a disk that is full.
    private var isMidLine = false
    private var finishTimer: EventLoop.Timer?
    private var onFinish: (() -> Void)?

    init(format: LogFormat) {
        self.format = format
    }

    /// Has the loop write from now on. Until then, lines are written at once, and if standard error cannot be opened for that, when there is room.
    ///
    /// The corresponding C function is `fstat`.
    func start(on loop: EventLoop) {
        var status = stat()
        if unsafe fstat(STDERR_FILENO, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK {
            isSocket = true
            return
        }
        self.loop = loop
        guard let output = try? TerminalOutput(STDERR_FILENO, style: .text, on: loop) else { return }
        output.didDrain = { [weak self] in self?.writeOmittedCount() }
        output.didClose = { [weak self] _ in self?.outputDidClose() }
        self.output = output
    }

    /// Writes what waits.
    ///
    /// - Parameters:
    ///   - timeout: How long that may take.
    ///   - completion: Called once, when all is written, or standard error is gone, or the time is over.
    func finish(timeout: Duration, then completion: @escaping () -> Void) {
        writeOmittedCount()
        guard let output, let loop else { return completion() }
        onFinish = completion
        output.finish()
        finishTimer = loop.schedule(after: timeout) { [weak self] in self?.completeFinish() }
    }

    private func outputDidClose() {
        output = nil
        // What waited is lost, perhaps from the midst of a line on.
        if onFinish == nil { isMidLine = true }
        completeFinish()
    }

    private func completeFinish() {
        finishTimer?.cancel()
        let completion = onFinish.take()
        completion?()
    }

    /// Writes a sentence for the operator, given without its newline.
    func say(_ sentence: String) { write(format.line(sentence: sentence)) }

    /// Writes an event of a log.
    func log(_ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata) {
        write(format.line(level, message, metadata))
    }

    /// Counts lines that were left out before they came here.
    func addOmitted(_ count: Int) { omittedCount += count }

    private func write(_ line: [UInt8]) {
        if let output, output.isFull { return omittedCount += 1 }
        // There is room for it before everything is written. The count must not come after newer lines.
        writeOmittedCount()
        if omittedCount > 0 || !writeNow(line) { omittedCount += 1 }
    }

    private func writeOmittedCount() {
        if omittedCount == 0 { return }
        let metadata: Logger.Metadata = ["count": .stringConvertible(omittedCount)]
        if writeNow(format.line(.warning, "standard error is too slow: lines were left out", metadata)) { omittedCount = 0 }
    }

    /// Returns whether there was room for the line.
    private func writeNow(_ line: [UInt8]) -> Bool {
        if let output {
            output.write(line.span)
            return true
        }
        // Whatever was in the midst of a line does not get into this one.
        let line = isMidLine ? [UInt8(ascii: "\n")] + line : line
        let count: Int
        if isSocket {
            // A Unix-domain socket takes all of a line or nothing.
            count = unsafe send(STDERR_FILENO, line, line.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
        } else {
            var request = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
            // The loop could not write it any more. A pipe that has room takes a page of bytes at once.
            if loop != nil, unsafe poll(&request, 1, 0) != 1 { return false }
            count = unsafe Glibc.write(STDERR_FILENO, line, line.count)
        }
        if count > 0 { isMidLine = count < line.count }
        return count == line.count
    }
}

extension LogOutput: LogSink {
    /// Writes what a `Logger` logs.
    struct Handler: LogHandler {
        let output: any LogSink
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.notice

        init(_ output: any LogSink) {
            self.output = output
        }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            output.log(event.level, "\(event.message)", metadata.merging(event.metadata ?? [:]) { $1 })
        }
    }
}
