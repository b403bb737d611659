import Glibc
import Reactor
import Synchronization

/// A TCP socket of a client that does what a well-behaved one would not. Nothing that it does waits.
public final class HostileSocket {
    private let descriptor: OwnedDescriptor

    /// Sources of calls: with all of 127/8 to call from, a flood does not run out of ports because closed connections keep theirs.
    private static let sources = Atomic<UInt32>(0)

    /// Begins to connect to a port of 127.0.0.1. Nil if the system has no descriptor, port or room for it.
    ///
    /// - Parameters:
    ///   - network: It connects from another address each time, from the first to the 250th of this one.
    ///   - receiveBuffer: How much the kernel keeps of what is not read; nil for the usual amount.
    public init?(to port: UInt16, from network: UInt32 = 0x7F00_0000, receiveBuffer: Int32? = nil) {
        let result = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if result < 0 { return nil }
        descriptor = OwnedDescriptor(takingOver: result)
        if let receiveBuffer { setOption(SOL_SOCKET, SO_RCVBUF, receiveBuffer) }
        setOption(Int32(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, Int32(1))
        setOption(Int32(IPPROTO_TCP), TCP_NODELAY, Int32(1))
        let source = network + 1 + Self.sources.wrappingAdd(1, ordering: .relaxed).oldValue % 250
        unsafe withAddress(source, 0) { _ = unsafe bind(result, $0, $1) }
        let outcome = unsafe withAddress(0x7F00_0001, port) { unsafe connect(result, $0, $1) }
        if outcome < 0, errno != EINPROGRESS { return nil }
    }

    private func setOption<Value: BitwiseCopyable>(_ level: Int32, _ name: Int32, _ value: Value) {
        var value = value
        _ = unsafe setsockopt(descriptor.rawValue, level, name, &value, socklen_t(MemoryLayout<Value>.size))
    }

    private func withAddress<Result>(
        _ host: UInt32, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = host.bigEndian
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// What became of a call that was to bring or take bytes.
    public enum Transfer: Equatable {
        case bytes(Int)
        /// The kernel has nothing, or takes nothing, for now.
        case nothing
        /// The other side has ended it, in order or not.
        case ended
    }

    /// Sends what the kernel takes. The corresponding C function is `send`.
    public func send(_ bytes: ArraySlice<UInt8>) -> Transfer {
        let count = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.send(descriptor.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if count >= 0 { return .bytes(count) }
        return errno == EAGAIN || errno == EINTR || errno == ENOTCONN ? .nothing : .ended
    }

    @discardableResult
    public func send(_ text: String) -> Transfer {
        send(ArraySlice(text.utf8))
    }

    /// Receives into a buffer. The corresponding C function is `recv`.
    public func receive(into buffer: inout [UInt8]) -> Transfer {
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor.rawValue, $0.baseAddress, $0.count, 0) }
        if count > 0 { return .bytes(count) }
        if count == 0 { return .ended }
        return errno == EAGAIN || errno == EINTR || errno == ENOTCONN ? .nothing : .ended
    }

    /// Whether the other side has ended the connection, even if there is something left to be read. The corresponding C function is `poll`.
    public var isEnded: Bool {
        // POLLRDHUP, which Glibc declares under _GNU_SOURCE alone.
        let halfClosed: Int16 = 0x2000
        let ends = halfClosed | Int16(POLLHUP) | Int16(POLLERR)
        var state = pollfd(fd: descriptor.rawValue, events: ends, revents: 0)
        return unsafe poll(&state, 1, 0) > 0 && state.revents & ends != 0
    }

    /// Says that nothing more comes from here. The corresponding C function is `shutdown`.
    public func finishSending() {
        _ = shutdown(descriptor.rawValue, Int32(SHUT_WR))
    }

    /// Has the end of the socket reset the connection, rather than close it in order. See SO_LINGER in socket(7).
    public func resetWhenDropped() {
        setOption(SOL_SOCKET, SO_LINGER, linger(l_onoff: 1, l_linger: 0))
    }
}
