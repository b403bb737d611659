import CReactorLinux
import Glibc
import Reactor
import TestSupport

/// A server that the test plays itself, so that it sees every byte that a client sends, and decides on every byte that it gets.
final class PlayedServer {
    let address: SocketAddress
    private let descriptor: Int32

    /// Listens at a free port of 127.0.0.1, or at the given address.
    init(at address: SocketAddress = .loopback(port: 0), backlog: Int32 = 16) throws {
        let descriptor = try makeSocket(for: address)
        self.descriptor = descriptor
        guard unsafe withSystemAddress(address, { unsafe bind(descriptor, $0, $1) }) == 0, listen(descriptor, backlog) == 0 else {
            throw Errno(rawValue: errno)
        }
        if case .unix = address { self.address = address } else { self.address = .loopback(port: localPort(of: descriptor)) }
    }

    deinit { close(descriptor) }

    /// The next client, once it has connected.
    func accept() throws -> Peer {
        guard try waitForInput(on: [descriptor], atMost: patience) == [true] else { throw TimedOut("a client") }
        let client = accept4(descriptor, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
        if client < 0 { throw Errno(rawValue: errno) }
        return Peer(takingOver: client)
    }
}
