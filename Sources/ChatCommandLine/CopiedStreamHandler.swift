import Reactor
import Synchronization

/// Why the thread that copies a stream has ended, if not because of the end of the input.
final class StreamFailure: Sendable {
    private let number = Atomic<Int32>(0)

    func report(_ error: Errno) {
        number.store(error.rawValue, ordering: .releasing)
    }

    var error: Errno? {
        let number = number.load(ordering: .acquiring)
        return number == 0 ? nil : Errno(rawValue: number)
    }
}

/// Wraps the handler of a stream that a thread copies. The handler is called as for any connection, but if the thread could not read or
/// write the stream, `connectionDidClose` gets that error. The loop itself sees only that the thread has closed its end of the socket.
final class CopiedStreamHandler: ConnectionHandler {
    private let handler: any ConnectionHandler
    private let failure: StreamFailure

    init(_ handler: any ConnectionHandler, failure: StreamFailure) {
        self.handler = handler
        self.failure = failure
    }

    func connectionDidOpen(_ connection: Connection) {
        handler.connectionDidOpen(connection)
    }

    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
        handler.connection(connection, didReceive: messages)
    }

    func connectionDidDiscardMessage(_ connection: Connection) {
        handler.connectionDidDiscardMessage(connection)
    }

    func connectionDidDrain(_ connection: Connection) {
        handler.connectionDidDrain(connection)
    }

    func connectionDidReadToEnd(_ connection: Connection) {
        handler.connectionDidReadToEnd(connection)
    }

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        switch (reason, failure.error) {
        case (.endOfInput, let error?), (.failed, let error?): handler.connectionDidClose(connection, reason: .failed(error))
        default: handler.connectionDidClose(connection, reason: reason)
        }
    }
}
