import Glibc

/// A stream socket, nonblocking and close-on-exec.
struct Socket: ~Copyable {
    let descriptor: OwnedDescriptor

    /// Throws `fileNameTooLong` for a path that is longer than the kernel's form of an address has room for. Throws
    /// `invalidArgument` for a path that is empty or has a zero byte: the kernel would take it for the name of an abstract
    /// socket, or for a shorter path.
    ///
    /// The corresponding C function is `socket`.
    init(for address: SocketAddress) throws(Errno) {
        if case .unix(let path) = address {
            if path.isEmpty || path.utf8.contains(0) { throw .invalidArgument }
            if path.utf8.count > SocketAddress.maximumPathLength { throw .fileNameTooLong }
        }
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = OwnedDescriptor(takingOver: try retryingOnInterrupt { socket(address.family, type, 0) })
    }

    /// Takes over a socket that listens already. Throws `invalidArgument` for one that does not, or is no stream.
    ///
    /// The corresponding C functions are `getsockopt` and `fcntl`.
    init(adoptingListener descriptor: consuming OwnedDescriptor) throws(Errno) {
        let number = descriptor.rawValue
        guard try Self.option(SO_TYPE, of: number) == Int32(SOCK_STREAM.rawValue),
            try Self.option(SO_ACCEPTCONN, of: number) != 0
        else { throw .invalidArgument }
        let flags = try retryingOnInterrupt { fcntl(number, F_GETFL) }
        try retryingOnInterrupt { fcntl(number, F_SETFL, flags | O_NONBLOCK) }
        try retryingOnInterrupt { fcntl(number, F_SETFD, FD_CLOEXEC) }
        self.descriptor = descriptor
    }

    private static func option(_ option: Int32, of descriptor: Int32) throws(Errno) -> Int32 {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        try retryingOnInterrupt { unsafe getsockopt(descriptor, SOL_SOCKET, option, &value, &size) }
        return value
    }

    consuming func release() -> OwnedDescriptor { descriptor }

    /// The corresponding C function is `bind`.
    func bind(to address: SocketAddress) throws(Errno) {
        // A port whose last connections are still in TIME_WAIT can be listened on again at once.
        if address.port != nil { try set(SOL_SOCKET, SO_REUSEADDR, 1) }
        // Each address has a socket of its own. Without this, [::] would take the port of 0.0.0.0 too, depending on
        // net.ipv6.bindv6only.
        if address.family == AF_INET6 { try set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
        try retryingOnInterrupt { unsafe address.withSystemAddress { unsafe Glibc.bind(descriptor.rawValue, $0, $1) } }
    }

    /// Has a socket that is bound accept. The corresponding C function is `listen`.
    func listen() throws(Errno) {
        // The kernel lowers this to net.core.somaxconn.
        try retryingOnInterrupt { Glibc.listen(descriptor.rawValue, 65_535) }
    }

    /// Starts connecting, and returns whether the socket is connected already. The corresponding C function is `connect`.
    func connect(to address: SocketAddress) throws(Errno) -> Bool {
        if unsafe address.withSystemAddress({ unsafe Glibc.connect(descriptor.rawValue, $0, $1) }) == 0 { return true }
        let error = Errno.last
        // After EINTR the kernel goes on connecting in the background, as after EINPROGRESS.
        if error == .nowInProgress || error == .interrupted { return false }
        throw error
    }

    /// Sets the options that every TCP socket of the library has.
    ///
    /// On Linux a socket that accept4(2) returns inherits all of these from its listener, which spares six system calls
    /// for each connection.
    func setStreamOptions(unsentLowWater: Int) throws(Errno) {
        let tcp = Int32(IPPROTO_TCP)
        // A turn's output leaves in one send; holding back its last segment for an acknowledgement only adds delay.
        try set(tcp, TCP_NODELAY, 1)
        // How much the kernel takes beyond what the peer's window admits. It bounds the memory that a peer costs which does not
        // read.
        try set(tcp, TCP_NOTSENT_LOWAT, Int32(clamping: max(unsentLowWater, 0)))
        // The kernel finds a peer that vanished without a FIN after two minutes, not after two hours.
        try set(SOL_SOCKET, SO_KEEPALIVE, 1)
        try set(tcp, TCP_KEEPIDLE, 60)
        try set(tcp, TCP_KEEPINTVL, 15)
        try set(tcp, TCP_KEEPCNT, 4)
    }

    /// Sets how long a TCP socket may wait for acknowledgements, rounded up to milliseconds; nil leaves that to the system. Does
    /// nothing for any other socket, whose kernel has no such option.
    ///
    /// The corresponding C function is `setsockopt`.
    static func setUnacknowledgedTimeout(_ timeout: Duration?, of descriptor: Int32) {
        // 0 is the system's own time, and not none.
        var milliseconds = timeout.map { Int32(clamping: max(($0.clampedNanoseconds &+ 999_999) / 1_000_000, 1)) } ?? 0
        let size = socklen_t(MemoryLayout<Int32>.size)
        _ = unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &milliseconds, size)
    }

    /// The corresponding C function is `setsockopt`.
    private func set(_ level: Int32, _ option: Int32, _ value: Int32) throws(Errno) {
        var value = value
        let size = socklen_t(MemoryLayout<Int32>.size)
        try retryingOnInterrupt { unsafe setsockopt(descriptor.rawValue, level, option, &value, size) }
    }

    /// The address that a socket is bound to. The corresponding C function is `getsockname`.
    static func localAddress(of descriptor: Int32) throws(Errno) -> SocketAddress? {
        try unsafe SocketAddress { unsafe getsockname(descriptor, $0, $1) }
    }

    /// The address of a socket's peer. The corresponding C function is `getpeername`.
    static func remoteAddress(of descriptor: Int32) throws(Errno) -> SocketAddress? {
        try unsafe SocketAddress { unsafe getpeername(descriptor, $0, $1) }
    }

    /// Returns and clears the pending error of a socket. The corresponding C function is `getsockopt(SO_ERROR)`.
    static func takeError(of descriptor: Int32) -> Errno? {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        if unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &value, &size) < 0 { return Errno.last }
        return value == 0 ? nil : Errno(rawValue: value)
    }
}
