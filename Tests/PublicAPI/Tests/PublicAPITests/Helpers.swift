import ChatReactor
import Glibc
import Testing

/// How long anything may take before a test gives it up: long enough for a busy machine under a sanitizer.
let patience = Duration.seconds(60)

/// What a test turned the loop for, in vain.
struct NotReached: Error, CustomStringConvertible {
    let description: String
}

extension EventLoop {
    /// Turns until something is as it must become.
    func turn(until goal: String, _ isReached: () throws -> Bool) throws {
        let limit = ContinuousClock.now.advanced(by: patience)
        while try !isReached() {
            guard .now < limit else { throw NotReached(description: "not reached: \(goal)") }
            // What is waited for may be with a peer, of which no event tells.
            try runOnce(waitingAtMost: .milliseconds(2))
        }
    }

    /// Turns for a while, in which what must not happen has every opportunity to happen.
    func turn(for time: Duration) throws {
        var isOver = false
        schedule(after: time) { isOver = true }
        try turn(until: "the end of \(time)") { isOver }
    }
}

/// Something that stays on the thread of the test, which also runs the loop, although it is passed to `Remote.execute`.
struct Confined<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}

/// Notes down all that happens to its connections. A message that is too long is noted, and nothing is done about it.
final class Recorder: ConnectionHandler {
    enum Event: Hashable {
        case opened
        case message(String)
        case tooLong
        case drained
        case closed(CloseReason)
    }

    private(set) var events: [Event] = []
    private(set) var messages: [[UInt8]] = []
    /// The messages as they are relayed, one after the other.
    private(set) var wireBytes: [UInt8] = []
    private(set) var batchSizes: [Int] = []
    /// All that have opened, in that order.
    private(set) var connections: [Connection] = []

    var onOpen: ((Connection) -> Void)?
    /// Called for each message, once all of its batch are noted.
    var onMessage: ((Connection, String) -> Void)?
    var onTooLong: ((Connection) -> Void)?
    var onDrain: ((Connection) -> Void)?
    var onClose: ((Connection) -> Void)?

    var texts: [String] { messages.map { String(decoding: $0, as: UTF8.self) } }
    var reasons: [CloseReason] { events.compactMap { if case .closed(let reason) = $0 { reason } else { nil } } }

    func connectionDidOpen(_ connection: Connection) {
        events.append(.opened)
        connections.append(connection)
        onOpen?(connection)
    }

    func connection(_ connection: Connection, didReceive batch: borrowing MessageBatch) {
        var fresh: [String] = []
        batch.forEach { message in
            messages.append(array(message))
            fresh.append(text(message))
        }
        batchSizes.append(batch.count)
        batch.withWireBytes(in: 0..<batch.count) { bytes in wireBytes += array(bytes) }
        events += fresh.map { .message($0) }
        for message in fresh { onMessage?(connection, message) }
    }

    func connectionDidDiscardMessage(_ connection: Connection) {
        events.append(.tooLong)
        onTooLong?(connection)
    }

    func connectionDidDrain(_ connection: Connection) {
        events.append(.drained)
        onDrain?(connection)
    }

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        events.append(.closed(reason))
        onClose?(connection)
    }
}

/// A connection on a loop, what has happened to it, and the peer at its other end. It is open.
final class Member {
    let handler = Recorder()
    let connection: Connection
    let peer: Peer

    /// - Parameter sendBuffer: How much the kernel takes for a peer that does not read, in bytes, about; nil leaves that to it.
    init(on loop: EventLoop, options: Connection.Options = .init(), sendBuffer: Int32? = nil) throws {
        let (near, far) = try socketPair()
        if let sendBuffer { try setOption(SO_SNDBUF, of: near, to: sendBuffer) }
        peer = Peer(takingOver: far)
        connection = try loop.adopt(socket: OwnedDescriptor(takingOver: near), options: options, handler: handler)
        try loop.turn(until: "the connection is open") { handler.events.first == .opened }
    }
}

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

/// A path that nobody else uses, and at which there is nothing. What is put there is removed with this.
final class TemporaryPath {
    let path: String

    /// - Parameter length: How long the path is, in bytes; nil for any length.
    init(length: Int? = nil) {
        let number = UInt64.random(in: 0 ... .max)
        let start = "/tmp/chatreactor-\(getpid())-\(String(number, radix: 36))"
        path = start + String(repeating: "a", count: max(0, (length ?? 0) - start.utf8.count))
    }

    deinit { unsafe unlink(path) }

    var exists: Bool { unsafe access(path, F_OK) == 0 }

    /// Opens the file, which is made if there is none.
    func open(_ mode: Int32) throws -> Int32 {
        let descriptor = unsafe Glibc.open(path, mode | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        return descriptor
    }

    /// Makes a file of a text.
    func write(_ text: String) throws {
        let descriptor = try open(O_WRONLY | O_TRUNC)
        defer { close(descriptor) }
        guard unsafe Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count else { throw Errno(rawValue: errno) }
    }

    var text: String {
        get throws {
            let descriptor = try open(O_RDONLY)
            let reader = Peer(takingOver: descriptor)
            return reader.text
        }
    }
}

extension Connection.Options {
    /// What differs from what it is otherwise.
    static func with(_ change: (inout Self) -> Void) -> Self {
        var options = Self()
        change(&options)
        return options
    }

    static func framed(_ framing: any Framing, longest: Int? = nil) -> Self {
        .with {
            $0.framing = framing
            if let longest { $0.maximumMessageLength = longest }
        }
    }
}

extension EventLoop.Configuration {
    static func with(_ change: (inout Self) -> Void) -> Self {
        var configuration = Self()
        change(&configuration)
        return configuration
    }
}

extension Topic.Configuration {
    static func with(_ change: (inout Self) -> Void) -> Self {
        var configuration = Self()
        change(&configuration)
        return configuration
    }
}

func array(_ span: Span<UInt8>) -> [UInt8] { span.indices.map { span[$0] } }

func text(_ span: Span<UInt8>) -> String { String(decoding: array(span), as: UTF8.self) }

// The macros of a test take no spans.

extension Framing {
    func extent(of bytes: [UInt8], seen: Int = 0) -> MessageExtent { messageExtent(in: bytes.span, seen: seen) }
    func content(of message: [UInt8]) -> Range<Int> { content(of: message.span) }
}

extension LengthPrefixedFraming {
    func message(_ content: [UInt8]) -> [UInt8]? { message(content.span) }
}

extension Connection {
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool { send(bytes.span) }
}

extension Topic {
    @discardableResult
    func publish(_ bytes: [UInt8], from sender: Connection? = nil) -> Bool { publish(bytes.span, from: sender) }
}
