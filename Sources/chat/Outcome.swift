import ChatCommandLine
import Glibc
import Reactor

#if TLS
    import ReactorTLS
#endif

/// How the talk with a server has ended.
enum Outcome {
    /// The user left, the input came to its end, or all that was asked for is done.
    case finished
    /// No address of the server could be connected to. Each that was tried, in their order, and why it failed.
    case couldNotConnect([Dialer.Failure])
    /// The server has closed the connection, or was lost. The explanation is the server's own, if its last line was one.
    case serverGone(CloseReason, explanation: String?)
    /// The server has not let the client in, or has not done what it was asked for; and why.
    case refused(String)
    /// The server has closed the connection, and has never sent a byte.
    case silentlyGone(CloseReason)
    /// The server speaks TLS, and the client does not.
    case speaksTLS
    /// Something of the user's or of the server's is not as it should be, a certificate perhaps.
    case failed(Failure)
    /// It took longer than was allowed.
    case timedOut
    /// The same, and the server has never sent a byte, as one that speaks TLS does not before the client begins with that.
    case silentlyTimedOut
    /// The input could not be read to its end. What was read has been sent.
    case inputFailed(CloseReason)
    /// The output could not be written.
    case outputGone(CloseReason)

    /// The exit code of a run that took too long: that of timeout(1).
    private static let timeoutCode: Int32 = 124

    /// Whether it took longer than was allowed.
    var isTimeout: Bool {
        switch self {
        case .timedOut, .silentlyTimedOut: true
        default: false
        }
    }

    /// What the program says about it at its end, with its exit code; nil if all is well.
    var failure: Failure? {
        switch self {
        case .finished: nil
        case .couldNotConnect(let attempts):
            Failure("cannot connect \(Self.sentence(for: attempts))", code: EX_UNAVAILABLE)
        case .serverGone(_, let explanation?):
            Failure("the server has closed the connection: \(explanation)", code: EX_TEMPFAIL)
        case .serverGone(.endOfInput, nil): Failure("the server has closed the connection", code: EX_TEMPFAIL)
        case .serverGone(let reason, nil): Failure("the server is gone: \(reason)", code: EX_TEMPFAIL)
        case .silentlyGone(.endOfInput):
            Failure("the server has closed the connection without a word; if it speaks TLS, use --tls", code: EX_TEMPFAIL)
        case .silentlyGone(let reason):
            Failure("the server is gone without a word: \(reason); if it speaks TLS, use --tls", code: EX_TEMPFAIL)
        case .speaksTLS: Failure("the server speaks TLS there: use --tls", code: EX_UNAVAILABLE)
        case .failed(let failure): failure
        case .refused(let reason): Failure("the server has refused: \(reason)", code: EX_NOPERM)
        case .timedOut: Failure("it took too long", code: Self.timeoutCode)
        case .silentlyTimedOut:
            Failure("it took too long, and the server has said nothing; if it speaks TLS, use --tls", code: Self.timeoutCode)
        case .inputFailed(let reason): Failure("cannot read standard input: \(reason)", code: EX_IOERR)
        case .outputGone(.failed(let error)) where error != .brokenPipe && error != Errno(rawValue: EIO):
            Failure("cannot write standard output: \(error)", code: EX_IOERR)
        case .outputGone: Failure("nobody reads what is printed", code: EX_IOERR)
        }
    }

    /// `to 127.0.0.1:3001: Connection refused, nor to …`
    static func sentence(for attempts: [Dialer.Failure]) -> String {
        attempts.map { "to \($0.address): \(sentence(for: $0.reason))" }.joined(separator: ", nor ")
    }

    /// Why an address could not be connected to.
    private static func sentence(for reason: CloseReason) -> String {
        #if TLS
            if reason == .transportFailed(.notTLS) {
                return "no TLS is spoken there; leave out --tls, or name the port that has it"
            }
            if reason == .handshakeTimedOut { return "\(reason); is TLS spoken there?" }
        #endif
        // What the system says of a Unix-domain socket whose queue is full: "Resource temporarily unavailable".
        return reason == .failed(.wouldBlock) ? "too many others are waiting to be accepted there" : "\(reason)"
    }
}
