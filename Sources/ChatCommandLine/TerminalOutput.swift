import ChatReactorText
public import Reactor

/// Standard output, written without ever blocking the loop.
public final class TerminalOutput {
    /// How messages are written.
    public enum Style: Sendable {
        /// For people: one line each, and nothing in it that could harm a terminal.
        case text
        /// For programs: byte for byte, as they came over the wire.
        case bytes
    }

    private let style: Style
    private let capacity: Int
    private var connection: Connection?
    /// Called when everything has been written.
    public var didDrain: (() -> Void)?
    /// Called once, when the output is closed. The reason is `requested` after `finish`; any other is why writing has failed.
    public var didClose: ((CloseReason) -> Void)?

    /// Prepares a standard stream for writing.
    ///
    /// - Parameter capacity: How many bytes wait for the reader before the output counts as full.
    /// - Throws: What `EventLoop.adoptStandardStream` does.
    public init(_ descriptor: Int32, style: Style, capacity: Int = 262_144, on loop: EventLoop) throws(Errno) {
        self.style = style
        self.capacity = capacity
        var options = Connection.Options()
        // All messages of one read are written, even if the output becomes full with the first of them.
        options.maximumPendingOutput = .max
        // The program at the other end of a pipe may take as long as it likes.
        options.flushTimeout = nil
        options.closesAtMemoryLimit = false
        connection = try loop.adoptStandardStream(
            descriptor, for: .output, options: options, handler: Handler(output: self))
    }

    /// Whether so much waits that nothing should be written until `didDrain`.
    public var isFull: Bool { (connection?.pendingOutput ?? 0) >= capacity }

    /// Writes some messages of a batch, each as the style asks.
    public func write(_ messages: borrowing MessageBatch, in range: Range<Int>) {
        switch style {
        case .text:
            for index in range { messages.withMessage(at: index) { writeLine($0) } }
        case .bytes:
            messages.withWireBytes(in: range) { bytes in _ = connection?.send(bytes) }
        }
    }

    /// Writes one line, made harmless, and a newline.
    public func writeLine(_ text: Span<UInt8>) {
        writeText(text, endsLine: true)
    }

    /// Writes a piece of a line, made harmless, and a newline if it is the last piece.
    public func writeText(_ text: Span<UInt8>, endsLine: Bool) {
        var safe: [UInt8] = []
        VisibleText.append(text, to: &safe, invalidUTF8: .hexadecimal)
        if endsLine { safe.append(UInt8(ascii: "\n")) }
        connection?.send(safe.span)
    }

    /// Writes bytes as they are, which must be harmless, and end in a newline.
    public func write(_ bytes: Span<UInt8>) {
        connection?.send(bytes)
    }

    /// Closes the output once everything has been written.
    public func finish() {
        connection?.finish()
    }

    /// Closes the output at once. What waits for its reader is lost.
    public func close() {
        connection?.close()
    }

    /// The connection keeps its handler: not the output itself, whose owner may let go of it at any time.
    private final class Handler: ConnectionHandler {
        weak let output: TerminalOutput?

        init(output: TerminalOutput) {
            self.output = output
        }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            assertionFailure("a descriptor for output is never read")
        }

        func connectionDidDrain(_ connection: Connection) {
            output?.didDrain?()
        }

        func connectionDidClose(_ connection: Connection, reason: CloseReason) {
            guard let output else { return }
            output.connection = nil
            output.didClose?(reason)
        }
    }
}
