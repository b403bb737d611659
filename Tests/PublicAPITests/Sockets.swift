import ChatReactor
import Glibc

/// Writing to what nobody reads is an error then, and not a signal that ends the tests.
let brokenPipesAreErrors: Void = { _ = signal(SIGPIPE, SIG_IGN) }()

/// Two connected sockets that do not block.
func socketPair() throws -> (Int32, Int32) {
    var pair: [Int32] = [-1, -1]
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    guard unsafe socketpair(AF_UNIX, type, 0, &pair) == 0 else { throw Errno(rawValue: errno) }
    return (pair[0], pair[1])
}

/// A pipe that does not block.
func makePipe() throws -> (input: Int32, output: Int32) {
    brokenPipesAreErrors
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { throw Errno(rawValue: errno) }
    for end in ends {
        _ = fcntl(end, F_SETFL, O_NONBLOCK)
        _ = fcntl(end, F_SETFD, FD_CLOEXEC)
    }
    return (ends[0], ends[1])
}

func makeSocket(for address: SocketAddress) throws -> Int32 {
    let family = if case .unix = address { AF_UNIX } else { AF_INET }
    let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Errno(rawValue: errno) }
    return descriptor
}

func connectSocket(_ descriptor: Int32, to address: SocketAddress) -> Int32 {
    unsafe withSystemAddress(address) { pointer, size in unsafe connect(descriptor, pointer, size) }
}

/// Hands `body` an address of IPv4 or a path as system calls take it.
func withSystemAddress(_ address: SocketAddress, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    switch address {
    case .ipv4(let number, let port):
        var inet = sockaddr_in()
        inet.sin_family = sa_family_t(AF_INET)
        inet.sin_addr.s_addr = number.bigEndian
        inet.sin_port = port.bigEndian
        return unsafe withUnsafePointer(to: inet) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    case .unix(let path):
        var unix = sockaddr_un()
        unix.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &unix.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        return unsafe withUnsafePointer(to: unix) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    case .ipv6:
        fatalError("these tests have no peer that speaks IPv6")
    }
}

func setOption(_ option: Int32, of descriptor: Int32, to value: Int32) throws {
    var value = value
    guard unsafe setsockopt(descriptor, SOL_SOCKET, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
        throw Errno(rawValue: errno)
    }
}

/// An address at which nobody listens for as long as this lives, or at which somebody listens and never accepts.
final class DeafAddress {
    let address: SocketAddress
    private let descriptor: Int32
    private var callers: [Peer] = []

    /// - Parameter listens: Whether there is a listener, whose queue is full, so that whoever connects goes on connecting.
    init(listens: Bool = false) throws {
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

func localPort(of descriptor: Int32) -> UInt16 {
    var address = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    _ = unsafe withUnsafeMutablePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &size) }
    }
    return UInt16(bigEndian: address.sin_port)
}
