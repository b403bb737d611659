import Glibc
public import Reactor

/// The other end of a connection under test. It makes system calls, and uses nothing of the libraries.
///
/// What arrives is kept until it is taken. `receiveSome`, `receiveLine` and `receiveAll` take it, and wait for it: they are for tests of
/// a server on another thread, or in another process. `bytes`, `text`, `lines` and `receiveAvailable` never wait: they are for tests whose
/// own thread runs the loop.
public final class Peer {
    public let descriptor: Int32
    private let isSocket: Bool
    /// What has been read from the descriptor, and not been taken from here. Nothing is read for it.
    public private(set) var received: [UInt8] = []
    /// How many reads have brought something.
    public private(set) var readCount = 0
    /// Whether a read has found the end of input.
    public private(set) var isAtEnd = false
    /// The error that a read has failed with.
    public private(set) var readFailure: Errno?
    private var isClosed = false

    /// Takes over a descriptor, of a connected socket or of a pipe, and sets it not to block.
    public init(takingOver descriptor: Int32) {
        self.descriptor = descriptor
        var type: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        isSocket = unsafe getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    /// Connects to an address, and waits until that is done.
    public convenience init(to address: SocketAddress, receiveBuffer: Int32? = nil) throws {
        let descriptor = try makeSocket(for: address)
        if let receiveBuffer { descriptor.setOption(SOL_SOCKET, SO_RCVBUF, receiveBuffer) }
        guard connectSocket(descriptor, to: address) == 0 else {
            let error = Errno(rawValue: errno)
            Glibc.close(descriptor)
            throw error
        }
        self.init(takingOver: descriptor)
    }

    /// Connects from one of this machine's addresses.
    public convenience init(to address: SocketAddress, from source: SocketAddress) throws {
        let descriptor = try makeSocket(for: source)
        let isBound = unsafe withSystemAddress(source) { pointer, size in unsafe bind(descriptor, pointer, size) } == 0
        guard isBound, connectSocket(descriptor, to: address) == 0 else {
            let error = Errno(rawValue: errno)
            Glibc.close(descriptor)
            throw error
        }
        self.init(takingOver: descriptor)
    }

    /// Connects to a port of 127.0.0.1.
    public convenience init(port: UInt16, receiveBuffer: Int32? = nil) throws {
        try self.init(to: .loopback(port: port), receiveBuffer: receiveBuffer)
    }

    deinit { close() }

    // MARK: - Looking at what has come

    /// Everything that has come until now and was not taken.
    public var bytes: [UInt8] {
        read()
        return received
    }

    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The whole lines of `text`, without their newlines.
    public var lines: [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { String($0) }
    }

    /// Whether what has come ends like this. Of a long text, this is cheaper than to look at all of it.
    public func ends(in text: String) -> Bool { bytes.suffix(text.utf8.count).elementsEqual(text.utf8) }

    /// Whether the other side has said that nothing more comes.
    public var hasEnded: Bool {
        read()
        return isAtEnd
    }

    /// Waits until the other side has ended or reset the connection. An end may come after the other descriptor was closed: a process that
    /// another test starts at that moment has a copy of each descriptor until it is another program.
    public func waitForEnd() throws {
        try wait(for: "the end") { hasEnded || readFailure != nil }
    }

    /// The error that reading has failed with, if it has.
    public var failure: Errno? {
        read()
        return readFailure
    }

    /// Reads what has come, `limit` bytes of it at most, and keeps it. Returns how many bytes that was.
    @discardableResult
    public func read(atMost limit: Int = .max) -> Int {
        var left = limit
        while left > 0, case let count = readOnce(atMost: left), count > 0 { left -= count }
        return limit - left
    }

    /// Reads once, and returns how many bytes came: 0 if none have, or none will.
    private func readOnce(atMost limit: Int) -> Int {
        while !isClosed, !isAtEnd, readFailure == nil {
            var buffer = [UInt8](repeating: 0, count: min(65_536, limit))
            let count =
                isSocket
                ? unsafe recv(descriptor, &buffer, buffer.count, 0) : unsafe Glibc.read(descriptor, &buffer, buffer.count)
            if count > 0 {
                received += buffer[..<count]
                readCount += 1
                return count
            } else if count == 0 {
                isAtEnd = true
            } else if errno == EAGAIN {
                break
            } else if errno != EINTR {
                readFailure = Errno(rawValue: errno)
            }
        }
        return 0
    }

    /// How many bytes the kernel holds that have come and were not read: a megabyte at most.
    public var unreadCount: Int {
        if isClosed { return 0 }
        var room = [UInt8](repeating: 0, count: 1 << 20)
        return max(unsafe recv(descriptor, &room, room.count, Int32(MSG_PEEK)), 0)
    }

    // MARK: - Taking what has come

    /// What has arrived by now, without waiting; nil once the other side has ended or reset the connection.
    public func receiveAvailable() -> [UInt8]? {
        if received.isEmpty, readOnce(atMost: .max) == 0, isAtEnd || isClosed || readFailure != nil { return nil }
        defer { received = [] }
        return received
    }

    /// Drops the last of the bytes that were read.
    public func dropLast(_ count: Int) { received.removeLast(count) }

    /// The next bytes, or none at the end of input. Throws the error that reading fails with.
    public func receiveSome() throws -> [UInt8] {
        if received.isEmpty { try waitAndRead(for: "input") }
        defer { received = [] }
        return received
    }

    /// The next line without its newline, or nil at the end of input.
    public func receiveLine() throws -> String? {
        var searched = 0
        while true {
            if let newline = received[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { received.removeSubrange(...newline) }
                return String(decoding: received[..<newline], as: UTF8.self)
            }
            searched = received.count
            if try !waitAndRead(for: "a line") { return nil }
        }
    }

    public func receiveLines(_ count: Int) throws -> [String] {
        try (0..<count).compactMap { _ in try receiveLine() }
    }

    /// The next `count` bytes, or what there is before the end of input.
    public func receive(_ count: Int) throws -> [UInt8] {
        while received.count < count, try waitAndRead(for: "\(count) bytes") {}
        defer { received.removeFirst(min(count, received.count)) }
        return Array(received.prefix(count))
    }

    /// Everything up to the end of input.
    public func receiveAll() throws -> [UInt8] {
        while try waitAndRead(for: "the end of input") {}
        defer { received = [] }
        return received
    }

    /// Waits for more, and returns whether some has come: false at the end of input.
    @discardableResult
    private func waitAndRead(for what: String) throws -> Bool {
        if isClosed { throw Errno(rawValue: EBADF) }
        while true {
            if let readFailure { throw readFailure }
            if isAtEnd { return false }
            guard try waitForInput(on: [descriptor], atMost: patience) == [true] else {
                throw TimedOut("\(what), having read '\(String(decoding: received.suffix(500), as: UTF8.self))'")
            }
            if readOnce(atMost: .max) > 0 { return true }
        }
    }

    // MARK: - Sending

    public func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Sends all of the bytes, and waits while there is no room for them. If the test's own thread is to read them, they must be few.
    public func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = write(bytes[sent...])
            if count > 0 {
                sent += count
            } else if count < 0, errno != EAGAIN, errno != EINTR {
                throw Errno(rawValue: errno)
            } else {
                var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                if unsafe poll(&entry, 1, Int32(patience / .milliseconds(1))) == 0 {
                    throw TimedOut("room for \(bytes.count) bytes")
                }
            }
        }
    }

    /// Sends what the kernel takes at once, and returns how many bytes that was: none once the other side is gone.
    public func sendAvailable(_ bytes: [UInt8]) -> Int { max(write(bytes[...]), 0) }

    private func write(_ bytes: ArraySlice<UInt8>) -> Int {
        // The number may be another's by now.
        if isClosed {
            errno = EBADF
            return -1
        }
        if !isSocket { brokenPipesAreErrors }
        return unsafe bytes.withUnsafeBytes {
            unsafe isSocket
                ? Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                : Glibc.write(descriptor, $0.baseAddress, $0.count)
        }
    }

    /// Whether the other side has read all that was sent. Of Unix-domain sockets only.
    public var isRead: Bool {
        var count: Int32 = -1
        _ = unsafe ioctl(descriptor, UInt(TIOCOUTQ), &count)
        return count == 0
    }

    // MARK: - Ending

    /// Says that nothing more will be sent, and goes on receiving.
    public func shutDownSending() {
        if !isClosed { shutdown(descriptor, Int32(SHUT_WR)) }
    }

    /// Ends a TCP connection by an RST: the other side's next read fails, and what it has not read yet is lost.
    public func reset() {
        if isClosed { return }
        var linger = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    /// Shuts both directions and closes. The other side notices at once, even if a child process that is being started has a copy of the
    /// descriptor.
    public func hangUp() {
        if isClosed { return }
        shutdown(descriptor, Int32(SHUT_RDWR))
        close()
    }

    public func close() {
        if !isClosed { Glibc.close(descriptor) }
        isClosed = true
    }
}
