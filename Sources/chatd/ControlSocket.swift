import ChatReactor
import Glibc

/// The socket at which `chatd ctl` gives commands to a daemon: a line each. Docs/operations.md has what goes over it.
///
/// Only root and the daemon's own user may: the permissions of the path keep others away, and who gets past them is asked by the kernel
/// who it is.
final class ControlSocket {
    let listener: Listener

    /// Listens at a path.
    ///
    /// - Throws: What `EventLoop.listen` does.
    convenience init(at path: String, commands: OperatorCommands, on loop: EventLoop) throws(Errno) {
        let accept = Self.accepting(for: commands, on: loop)
        self.init(try loop.listen(on: .unix(path: path), permissions: .init(mode: 0o600), onAccept: accept))
    }

    /// Takes commands at a socket that was passed to the daemon.
    ///
    /// - Throws: What `EventLoop.listen(adopting:)` does; `Errno.invalidArgument` if it is no Unix-domain socket: at any other, nobody
    ///   can be asked who it is.
    convenience init(
        adopting socket: consuming OwnedDescriptor, commands: OperatorCommands, on loop: EventLoop
    ) throws(Errno) {
        let listener = try loop.listen(adopting: socket, onAccept: Self.accepting(for: commands, on: loop))
        guard case .unix = listener.address else {
            listener.close()
            throw .invalidArgument
        }
        self.init(listener)
    }

    private init(_ listener: Listener) {
        self.listener = listener
        // The operator must get in when there are too many clients, to ban some of them perhaps.
        listener.servesFromReserve = true
    }

    /// The corresponding C function is `getsockopt(SO_PEERCRED)`.
    private static func accepting(for commands: OperatorCommands, on loop: EventLoop) -> Listener.AcceptHandler {
        { socket, _ throws(Errno) in
            guard mayGiveCommands(socket.rawValue) else {
                return socket.reject(with: "! only root and the user of this chatd may give it commands\n")
            }
            var options = Connection.Options()
            // The list of a hundred thousand people is to be whole.
            options.maximumPendingOutput = .max
            options.batchesMessages = false
            options.closesAtMemoryLimit = false
            try loop.adopt(socket: socket, options: options, handler: Session(commands))
        }
    }

    /// Takes no commands any more, and removes the path if this has made it.
    func close() {
        listener.close()
    }

    private static func mayGiveCommands(_ socket: Int32) -> Bool {
        // The kernel's `struct ucred`, which Swift does not see: the process, the user, the group.
        var credentials: [UInt32] = [0, .max, .max]
        var size = socklen_t(MemoryLayout<UInt32>.size * credentials.count)
        guard unsafe getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 else { return false }
        return credentials[1] == 0 || credentials[1] == geteuid()
    }

    /// One who gives commands. The next one is heard when the answer has been taken: somebody who does not read would otherwise have
    /// answers fill the memory, and everybody in the chat would wait for a thousand commands that come at once.
    private final class Session: ConnectionHandler {
        private let commands: OperatorCommands
        private var format = OperatorAnswer.Format.text

        init(_ commands: OperatorCommands) {
            self.commands = commands
        }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            send(answer(to: messages.text(at: 0)), over: connection)
        }

        private func send(_ lines: String, over connection: Connection) {
            // Who cannot be sent anything is heard without answers: nothing would tell that one has left.
            if connection.send(lines) { connection.pauseReading() }
        }

        func connectionDidDrain(_ connection: Connection) {
            connection.resumeReading()
        }

        func connectionDidDiscardMessage(_ connection: Connection) {
            let reason = "that line is too long"
            send((format == .text ? "! \(reason)" : #"{"type":"error","text":"\#(reason)"}"#) + "\n", over: connection)
            connection.finish(reason: .messageTooLong)
        }

        private func answer(to line: String) -> String {
            if line == "json" {
                format = .json
                return #"{"type":"done"}"# + "\n"
            }
            let answer = commands.run(line, format: format)
            var lines = answer.lines
            if format == .text {
                for index in lines.indices {
                    lines[index] = (answer.isDone || index < lines.count - 1 ? "* " : "! ") + lines[index]
                }
            }
            if answer.isDone { lines.append(format == .text ? "ok" : #"{"type":"done"}"#) }
            return lines.map { $0 + "\n" }.joined()
        }
    }
}
