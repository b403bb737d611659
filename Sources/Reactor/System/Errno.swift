import Glibc

/// The number by which a system call says why it failed. The library's functions throw it.
///
/// ```swift
/// do throws(Errno) {
///     try loop.listen(on: .loopback(port: 3001), handler: handler)
/// } catch .addressInUse {
///     print("another program listens on this port")
/// } catch {
///     print("cannot listen: \(error)")
/// }
/// ```
///
/// The corresponding C variable is `errno`.
public struct Errno: Error, RawRepresentable, Hashable, Sendable {
    /// The number, as in C.
    public let rawValue: Int32

    /// Any number, also one that has no name here: `Errno(rawValue: EISDIR)`.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// The error of the calling thread's last system call that failed. The corresponding C variable is `errno`.
    public static var last: Errno { Errno(rawValue: Glibc.errno) }

    /// The process has no permission for a path, or for a port below 1024. The corresponding C constant is `EACCES`.
    public static let permissionDenied = Errno(rawValue: EACCES)
    /// The system does not know this kind of address; IPv6 may be switched off. The corresponding C constant is `EAFNOSUPPORT`.
    public static let addressFamilyNotSupported = Errno(rawValue: EAFNOSUPPORT)
    /// A socket is bound to this address already. The corresponding C constant is `EADDRINUSE`.
    public static let addressInUse = Errno(rawValue: EADDRINUSE)
    /// The machine does not have this address. The corresponding C constant is `EADDRNOTAVAIL`.
    public static let addressNotAvailable = Errno(rawValue: EADDRNOTAVAIL)
    /// The file, or the registration, exists already. The corresponding C constant is `EEXIST`.
    public static let fileExists = Errno(rawValue: EEXIST)
    /// The reading end of a pipe, or the peer of a socket, is closed. The corresponding C constant is `EPIPE`.
    public static let brokenPipe = Errno(rawValue: EPIPE)
    /// The loop is closed, so nothing is done for it. The corresponding C constant is `ECANCELED`.
    public static let canceled = Errno(rawValue: ECANCELED)
    /// A connection that waited to be accepted has been aborted. The corresponding C constant is `ECONNABORTED`.
    public static let connectionAbort = Errno(rawValue: ECONNABORTED)
    /// No socket listens on this address. The corresponding C constant is `ECONNREFUSED`.
    public static let connectionRefused = Errno(rawValue: ECONNREFUSED)
    /// The peer has reset the connection. The corresponding C constant is `ECONNRESET`.
    public static let connectionReset = Errno(rawValue: ECONNRESET)
    /// The operation has begun, and goes on in the background. The corresponding C constant is `EINPROGRESS`.
    public static let nowInProgress = Errno(rawValue: EINPROGRESS)
    /// A signal has interrupted the system call. The corresponding C constant is `EINTR`.
    public static let interrupted = Errno(rawValue: EINTR)
    /// An argument is invalid. The corresponding C constant is `EINVAL`.
    public static let invalidArgument = Errno(rawValue: EINVAL)
    /// A path is too long. The corresponding C constant is `ENAMETOOLONG`.
    public static let fileNameTooLong = Errno(rawValue: ENAMETOOLONG)
    /// The kernel has no buffer space left. The corresponding C constant is `ENOBUFS`.
    public static let noBufferSpace = Errno(rawValue: ENOBUFS)
    /// There is not enough memory. The corresponding C constant is `ENOMEM`.
    public static let noMemory = Errno(rawValue: ENOMEM)
    /// A limit is reached: of a disk, or of how much may be watched. The corresponding C constant is `ENOSPC`.
    public static let noSpace = Errno(rawValue: ENOSPC)
    /// The operation is not permitted; epoll says so of regular files. The corresponding C constant is `EPERM`.
    public static let notPermitted = Errno(rawValue: EPERM)
    /// The socket has no peer. The corresponding C constant is `ENOTCONN`.
    public static let notConnected = Errno(rawValue: ENOTCONN)
    /// The descriptor is no socket. The corresponding C constant is `ENOTSOCK`.
    public static let notSocket = Errno(rawValue: ENOTSOCK)
    /// What was asked for does not go with the object. The corresponding C constant is `EOPNOTSUPP`.
    public static let operationNotSupported = Errno(rawValue: EOPNOTSUPP)
    /// The peer has not answered in time. The corresponding C constant is `ETIMEDOUT`.
    public static let timedOut = Errno(rawValue: ETIMEDOUT)
    /// The process has as many descriptors as it may have. The corresponding C constant is `EMFILE`.
    public static let tooManyOpenFiles = Errno(rawValue: EMFILE)
    /// The whole system has as many open files as it may have. The corresponding C constant is `ENFILE`.
    public static let tooManyOpenFilesInSystem = Errno(rawValue: ENFILE)
    /// The operation would block. The corresponding C constant is `EAGAIN`.
    public static let wouldBlock = Errno(rawValue: EAGAIN)
}

extension Errno: CustomStringConvertible {
    /// The system's sentence, as in `Address already in use`. The corresponding C function is `strerror_r`.
    public var description: String {
        // The buffer is the thread's own: strerror(3) answers from one that every thread shares.
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            guard let start = buffer.baseAddress, unsafe strerror_r(rawValue, start, buffer.count) == 0 else {
                return "error \(rawValue)"
            }
            return unsafe String(cString: start)
        }
    }
}

/// Calls `body` until it is not interrupted by a signal, and throws the errno of any other failure (a negative result).
@discardableResult
package func retryingOnInterrupt<Result: SignedInteger>(_ body: () -> Result) throws(Errno) -> Result {
    while true {
        let result = body()
        if result >= 0 { return result }
        let error = Errno.last
        if error != .interrupted { throw error }
    }
}
