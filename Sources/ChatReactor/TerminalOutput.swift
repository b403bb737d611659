import Reactor

/// Standard output, written without ever blocking the loop.
final class TerminalOutput: ConnectionHandler {
    /// How the messages are written.
    enum Style {
        /// For people: one line each, safe for a terminal.
        case text
        /// For programs: byte for byte, with the newlines that they came with.
        case bytes
    }

    /// How many bytes wait for the terminal before it counts as full.
    private static let capacity = 262_144

    private let style: Style
    private var connection: Connection?
    /// Called when everything has been written.
    var didDrain: (() -> Void)?
    /// Called when the output is gone: its pipe has no reader, its terminal has hung up.
    var didClose: ((CloseReason) -> Void)?

    init(_ descriptor: Int32, style: Style, on loop: EventLoop) throws(Errno) {
        self.style = style
        var options = Connection.Options()
        // A read's messages are written whole even if they begin just below the capacity.
        options.maximumPendingOutput = .max
        // Whoever reads a pipe has the time that it takes.
        options.flushTimeout = nil
        connection = try loop.adopt(.reopening(descriptor, for: .output), for: .output, options: options, handler: self)
    }

    /// Whether more should wait until `didDrain`.
    var isFull: Bool { (connection?.pendingOutput ?? 0) >= Self.capacity }

    func write(_ messages: borrowing MessageBatch, in range: Range<Int>) {
        switch style {
        case .text:
            for index in range { messages.withMessage(at: index) { writeLine($0) } }
        case .bytes:
            messages.withWireBytes(in: range) { bytes in _ = connection?.send(bytes) }
        }
    }

    /// Writes one line, made safe, and a newline.
    func writeLine(_ text: Span<UInt8>) {
        var safe: [UInt8] = []
        TerminalText.append(text, to: &safe)
        safe.append(UInt8(ascii: "\n"))
        connection?.send(safe.span)
    }

    /// Closes the output once everything has been written.
    func finish() {
        connection?.finish()
    }

    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
        assertionFailure("a descriptor for output is never read")
    }

    func connectionDidDrain(_ connection: Connection) {
        didDrain?()
    }

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        didClose?(reason)
    }
}
