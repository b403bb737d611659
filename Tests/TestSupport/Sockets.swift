public import Glibc
public import Reactor

/// Ignores SIGPIPE: writing to a pipe that nobody reads is an error, and no signal ends the tests.
let brokenPipesAreErrors: Void = { _ = signal(SIGPIPE, SIG_IGN) }()

/// Two sockets that are connected to each other: one that does not block, for a loop to own, and the peer's.
public func socketPair(_ kind: __socket_type = SOCK_STREAM) throws -> (near: Int32, far: Peer) {
    var pair: [Int32] = [-1, -1]
    let type = Int32(kind.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    guard unsafe socketpair(AF_UNIX, type, 0, &pair) == 0 else { throw Errno(rawValue: errno) }
    return (pair[0], Peer(takingOver: pair[1]))
}

/// A pipe whose ends do not block, and are the caller's to close.
public func makePipe() throws -> (reader: Int32, writer: Int32) {
    brokenPipesAreErrors
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { throw Errno(rawValue: errno) }
    for end in ends {
        _ = fcntl(end, F_SETFL, O_NONBLOCK)
        _ = fcntl(end, F_SETFD, FD_CLOEXEC)
    }
    return (ends[0], ends[1])
}

public func makeSocket(for address: SocketAddress) throws -> Int32 {
    let family =
        switch address {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        }
    let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Errno(rawValue: errno) }
    return descriptor
}

public func connectSocket(_ descriptor: Int32, to address: SocketAddress) -> Int32 {
    unsafe withSystemAddress(address) { pointer, size in unsafe connect(descriptor, pointer, size) }
}

/// Calls `body` with an address as system calls take it.
public func withSystemAddress(_ address: SocketAddress, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    switch address {
    case .ipv4(let number, let port):
        var inet = sockaddr_in()
        inet.sin_family = sa_family_t(AF_INET)
        inet.sin_addr.s_addr = number.bigEndian
        inet.sin_port = port.bigEndian
        return unsafe withErasedPointer(to: inet, body)
    case .ipv6(let high, let low, let port, let scope):
        var inet = sockaddr_in6()
        inet.sin6_family = sa_family_t(AF_INET6)
        inet.sin6_port = port.bigEndian
        inet.sin6_scope_id = scope
        unsafe withUnsafeMutableBytes(of: &inet.sin6_addr) {
            unsafe $0.storeBytes(of: high.bigEndian, as: UInt64.self)
            unsafe $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return unsafe withErasedPointer(to: inet, body)
    case .unix(let path):
        var unix = sockaddr_un()
        unix.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &unix.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        return unsafe withErasedPointer(to: unix, body)
    }
}

private func withErasedPointer<Address>(
    to address: Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) -> Int32 {
    unsafe withUnsafePointer(to: address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe body($0, socklen_t(MemoryLayout<Address>.size))
        }
    }
}

/// The port that a socket of IPv4 is bound to.
public func localPort(of descriptor: Int32) -> UInt16 {
    var address = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    _ = unsafe withUnsafeMutablePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &size) }
    }
    return UInt16(bigEndian: address.sin_port)
}

extension Int32 {
    /// The value of an option of this socket, or -1.
    public func option(_ level: Int32, _ name: Int32) -> Int32 {
        var value: Int32 = -1
        var size = socklen_t(MemoryLayout<Int32>.size)
        _ = unsafe getsockopt(self, level, name, &value, &size)
        return value
    }

    /// Sets an option of this socket.
    public func setOption(_ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        _ = unsafe setsockopt(self, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}

/// An address at which nobody listens as long as this lives, or at which a listener never accepts.
public final class DeafAddress {
    public let address: SocketAddress
    private let descriptor: Int32
    private var callers: [Peer] = []

    /// - Parameter listens: Whether there is a listener, whose queue is full: then connecting goes on for ever.
    public init(listens: Bool = false) throws {
        let descriptor = try makeSocket(for: .loopback(port: 0))
        let isBound =
            unsafe withSystemAddress(.loopback(port: 0)) { pointer, size in unsafe bind(descriptor, pointer, size) } == 0
        self.descriptor = descriptor
        address = .loopback(port: localPort(of: descriptor))
        guard isBound else { throw Errno(rawValue: errno) }
        guard listens else { return }
        guard listen(descriptor, 0) == 0 else { throw Errno(rawValue: errno) }
        callers.append(try Peer(to: address))
    }

    deinit { close(descriptor) }
}

/// Waits until nobody listens at an address.
///
/// A closed listener may accept for a moment more: a child process that another test is starting has a copy of its descriptor.
public func waitUntilRefused(at address: SocketAddress) throws {
    try wait(for: "a refusal at \(address)") {
        do {
            _ = try Peer(to: address)
            return false
        } catch let error as Errno where error == .connectionRefused || error == Errno(rawValue: ENOENT) {
            return true
        }
    }
}
