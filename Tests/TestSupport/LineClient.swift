import Glibc
import Reactor

/// A plain blocking client: what a peer of the code under test may do, and nothing of that code.
public final class LineClient {
    public let descriptor: Int32
    private var received: [UInt8] = []

    /// Takes over a connected stream socket.
    public init(takingOver descriptor: Int32) {
        self.descriptor = descriptor
        setTimeout(seconds: 10)
    }

    /// Connects to a port of 127.0.0.1.
    public convenience init(port: UInt16, receiveBuffer: Int32? = nil) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        if var receiveBuffer {
            _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result < 0 {
            let error = Errno(rawValue: errno)
            Glibc.close(descriptor)
            throw error
        }
        self.init(takingOver: descriptor)
    }

    deinit {
        close()
    }

    /// How long a receive waits before it fails: a test that would hang fails instead.
    public func setTimeout(seconds: Int) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    public func send(_ text: String) throws {
        try send(Array(text.utf8))
    }

    public func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let result = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if result < 0 { throw Errno(rawValue: errno) }
            sent += result
        }
    }

    /// The next bytes, or none at the end of input.
    public func receiveSome() throws -> [UInt8] {
        if !received.isEmpty {
            defer { received = [] }
            return received
        }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
        if count < 0 { throw Errno(rawValue: errno) }
        return Array(buffer[..<count])
    }

    /// The next line without its newline, or nil at the end of input.
    public func receiveLine() throws -> String? {
        while true {
            if let newline = received.firstIndex(of: 10) {
                defer { received.removeSubrange(...newline) }
                return String(decoding: received[..<newline], as: UTF8.self)
            }
            let kept = received
            received = []
            let more = try receiveSome()
            received = kept
            if more.isEmpty { return nil }
            received += more
        }
    }

    public func receiveLines(_ count: Int) throws -> [String] {
        try (0..<count).compactMap { _ in try receiveLine() }
    }

    /// What has arrived by now and was not received yet, without waiting; nil once the peer has ended or reset the connection.
    public func receiveAvailable() -> [UInt8]? {
        if !received.isEmpty {
            defer { received = [] }
            return received
        }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        if count < 0 { return errno == EAGAIN || errno == EINTR ? [] : nil }
        return count == 0 ? nil : Array(buffer[..<count])
    }

    /// Sends what the kernel takes at once, and says how many bytes that was. None, once the peer is gone.
    public func sendAvailable(_ bytes: [UInt8]) -> Int {
        let count = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
        }
        return max(count, 0)
    }

    /// Everything up to the end of input.
    public func receiveAll() throws -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let more = try receiveSome()
            if more.isEmpty { return all }
            all += more
        }
    }

    /// Says that nothing more will be sent, and goes on receiving.
    public func shutDownSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Ends the connection by an RST: the peer's next read fails. What it has not yet read is lost.
    public func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    private var isClosed = false

    public func close() {
        if isClosed { return }
        isClosed = true
        Glibc.close(descriptor)
    }
}
