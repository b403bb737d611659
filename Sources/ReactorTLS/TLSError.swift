#if TLS
    import CReactorOpenSSL
    public import Reactor

    /// Why a certificate, a key or what is made of them cannot be used.
    public struct TLSError: Error, Hashable, Sendable, CustomStringConvertible {
        /// What was tried, on what, and why it failed: `cannot read the certificate chat.pem: No such file or directory`.
        public let description: String
        /// What the system said, if a file could not be read.
        public let systemError: Errno?

        init(_ attempt: String, _ reason: String) {
            description = "\(attempt): \(reason)"
            systemError = nil
        }

        init(_ attempt: String, _ error: Errno) {
            description = "\(attempt): \(error)"
            systemError = error
        }

        /// What OpenSSL says of a call that has failed. Drops its errors.
        static func ofOpenSSL(_ attempt: String) -> TLSError {
            let systemError = copenssl_system_error(ERR_peek_error())
            let reason = OpenSSLErrors.take()
            return systemError == 0 ? TLSError(attempt, reason) : TLSError(attempt, Errno(rawValue: systemError))
        }
    }

    extension TransportFailure {
        /// The peer has begun with something that is no TLS.
        public static let notTLS = TransportFailure("TLS: the peer speaks something else")
    }

    /// What OpenSSL keeps about the errors of this thread.
    enum OpenSSLErrors {
        /// Drops what earlier calls have left, so that the next call's errors are its own.
        static func clear() { ERR_clear_error() }

        /// OpenSSL's words for the first error since `clear`, which is the cause of the others: `no shared cipher`. Drops them all.
        static func take() -> String {
            let code = ERR_get_error()
            defer { ERR_clear_error() }
            if let text = unsafe ERR_reason_error_string(code) { return unsafe String(cString: text) }
            return code == 0 ? "no reason was given" : "error \(code) of OpenSSL"
        }
    }
#endif
