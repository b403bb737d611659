public import Reactor

/// The operator's console, a peer like any other: what is typed on standard input goes to every client, and every message is
/// printed on standard output.
///
/// The end of standard input ends the console's speaking and nothing else. A terminal that is too slow never slows the relay:
/// what it has no room for is counted, and the count is printed.
public final class Console {
    private let server: ChatServer
    private let quitWord: [UInt8]?
    private let complain: (String) -> Void
    private var output: TerminalOutput?
    private var unshown = 0

    /// Begins to read and to print, as far as it is asked to.
    ///
    /// - Parameters:
    ///   - server: The server whose console it is.
    ///   - reads: Whether standard input is read.
    ///   - prints: Whether messages are printed on standard output.
    ///   - complain: Takes a sentence for the operator, without a newline. Called on the loop's thread.
    /// - Throws: What `OwnedDescriptor.reopening` and `EventLoop.adopt` say about a standard stream.
    public init(
        of server: ChatServer, reads: Bool, prints: Bool, complain: @escaping (String) -> Void
    ) throws(Errno) {
        self.server = server
        quitWord = server.configuration.quitWord.map { Array($0.utf8) }
        self.complain = complain
        if prints {
            let output = try TerminalOutput(1, style: .text, on: server.loop)
            output.didDrain = { [weak self] in self?.tellOfUnshown() }
            output.didClose = { [weak self] _ in self?.output = nil }
            self.output = output
            server.addObserver(self)
        }
        if reads {
            var options = Connection.Options()
            options.maximumMessageLength = server.configuration.maximumMessageLength
            let input = try server.loop.adopt(
                .reopening(0, for: .input), for: .input, options: options, handler: self)
            server.room.topic.addPublisher(input)
        }
    }

    private func tellOfUnshown() {
        if unshown == 0 { return }
        let notice = "! \(unshown) messages not shown: the terminal is too slow"
        unshown = 0
        output?.writeLine(notice.utf8.span)
    }
}

extension Console: ConnectionHandler {
    /// Publishes what was typed. Called by the loop.
    public func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
        var first = 0
        while let quitWord, let quit = messages.firstIndex(of: quitWord, from: first) {
            server.room.topic.publish(messages, in: first..<quit)
            first = quit + 1
            complain("this is how a client leaves; to stop the server, press Ctrl-C")
        }
        server.room.topic.publish(messages, in: first..<messages.count)
    }

    /// Complains about the line. Called by the loop.
    public func connectionDidDiscardMessage(_ connection: Connection) {
        complain("that line was too long to send: the limit is \(server.configuration.maximumMessageLength) bytes")
    }
}

extension Console: ChatServerObserver {
    /// Prints the messages. Called by the server.
    public func server(
        _ server: ChatServer, didRelay messages: borrowing MessageBatch, in range: Range<Int>, from client: ChatServer.Client
    ) {
        guard let output else { return }
        if output.isFull { unshown += range.count } else { output.write(messages, in: range) }
    }
}
