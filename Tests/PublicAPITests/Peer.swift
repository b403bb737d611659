import ChatReactor
import Glibc

/// Somebody at the other end of a connection: system calls, and nothing of the library. It never waits.
final class Peer {
    let descriptor: Int32
    private var isClosed = false
    private var received: [UInt8] = []
    private var end: Errno?
    private var isAtEnd = false

    /// Takes over a descriptor, and has it not block.
    init(takingOver descriptor: Int32) {
        brokenPipesAreErrors
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    /// Connects to a TCP port of 127.0.0.1, or to a path.
    convenience init(to address: SocketAddress) throws {
        let descriptor = try makeSocket(for: address)
        guard connectSocket(descriptor, to: address) == 0 else {
            let error = Errno(rawValue: errno)
            Glibc.close(descriptor)
            throw error
        }
        self.init(takingOver: descriptor)
    }

    deinit { close() }

    /// Everything that has come until now.
    var bytes: [UInt8] {
        receive()
        return received
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }
    var lines: [String] { text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { String($0) } }

    /// Whether what has come ends like this. For much of it, this is cheaper than to look at all.
    func ends(in text: String) -> Bool { bytes.suffix(text.utf8.count).elementsEqual(text.utf8) }

    /// Whether the other side has said that nothing more comes.
    var hasEnded: Bool {
        receive()
        return isAtEnd
    }

    /// What the connection has failed with, if it has.
    var failure: Errno? {
        receive()
        return end
    }

    /// Takes what has come, at most so many bytes.
    func receive(atMost limit: Int = .max) {
        var left = limit
        while left > 0, !isClosed, !isAtEnd, end == nil {
            var buffer = [UInt8](repeating: 0, count: min(65_536, left))
            let count = unsafe read(descriptor, &buffer, buffer.count)
            if count > 0 {
                received += buffer[..<count]
                left -= count
            } else if count == 0 {
                isAtEnd = true
            } else if errno == EAGAIN {
                return
            } else if errno != EINTR {
                end = Errno(rawValue: errno)
            }
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Sends all of the bytes. They must be few enough for the kernel to take them at once.
    func send(_ bytes: [UInt8]) throws {
        let count = sendSome(of: bytes)
        guard count == bytes.count else { throw NotReached(description: "sent \(count) of \(bytes.count) bytes") }
    }

    /// Sends what the kernel takes, and says how many bytes that was.
    func sendSome(of bytes: [UInt8]) -> Int {
        max(0, unsafe write(descriptor, bytes, bytes.count))
    }

    /// Whether the other side has read all that was sent. Of Unix-domain sockets only.
    var isRead: Bool {
        var count: Int32 = -1
        _ = unsafe ioctl(descriptor, UInt(TIOCOUTQ), &count)
        return count == 0
    }

    /// Says that nothing more comes.
    func shutDownSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Ends a TCP connection by a reset.
    func reset() throws {
        var linger = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    func close() {
        if !isClosed { Glibc.close(descriptor) }
        isClosed = true
    }
}
