import Glibc

/// A client of the conversation, or the console, which speaks and listens on pipes. All that it got is kept.
final class Client {
    let name: String
    let isConsole: Bool
    private(set) var input: Int32
    private(set) var output: Int32
    /// The lines that it has said, whole.
    private(set) var said: [String] = []
    private var unsent: [UInt8] = []
    private(set) var received: [UInt8] = []
    /// How many lines the others had said when it joined.
    var missed: [String: Int] = [:]

    /// Whether it leaves its input unread for now.
    var isPaused = false
    /// Whether its connection is meant to end.
    var isLeaving = false
    /// Whether the daemon has ended its connection, or it has itself.
    private(set) var isClosed = false
    /// Whether that was before it was meant to.
    private(set) var wasCutOff = false

    // What the received bytes are, line by line.
    private var parsed = 0
    private(set) var heard: [(sender: String, line: String)] = []
    private(set) var counts: [String: Int] = [:]
    private(set) var notices: [String] = []

    /// Connects, or is nil if nobody listens. A small receive buffer makes a slow reader of it.
    ///
    /// The corresponding C functions are `socket` and `connect`.
    init?(name: String, port: UInt16, receiveBuffer: Int32? = nil) {
        self.name = name
        isConsole = false
        input = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        output = input
        if var receiveBuffer {
            _ = unsafe setsockopt(input, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let descriptor = input
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result < 0 { return nil }
        _ = fcntl(input, F_SETFL, fcntl(input, F_GETFL) | O_NONBLOCK)
    }

    /// The console, which the daemon's object owns.
    init(console: (input: Int32, output: Int32)) {
        name = "c"
        isConsole = true
        input = console.output
        output = console.input
    }

    deinit {
        if !isClosed { close() }
    }

    // MARK: - Speaking

    /// Says the next line, made as long as asked for.
    func say(length: Int = 0) {
        var line = "\(name) \(said.count + 1)"
        if line.utf8.count < length { line += " " + String(repeating: "-", count: length - line.utf8.count - 1) }
        said.append(line)
        unsent += Array((line + "\n").utf8)
    }

    /// Sends what is no message.
    func send(_ text: String) {
        unsent += Array(text.utf8)
    }

    /// Says a last line without its newline, and ends its side.
    func sayHalfAndShut() {
        if isClosed { return }
        say()
        unsent.removeLast()
        isLeaving = true
        write()
        shutdown(output, Int32(SHUT_WR))
    }

    /// Ends its side, between two lines.
    func shut() {
        if !isClosed { shutdown(output, Int32(SHUT_WR)) }
    }

    /// Ends the connection by an RST.
    func reset() {
        if isClosed { return }
        isLeaving = true
        var option = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(output, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    func close() {
        if isClosed { return }
        isClosed = true
        if !isConsole { Glibc.close(input) }
        // The number may soon be another's.
        (input, output) = (-1, -1)
    }

    // MARK: - Events

    var poll: [pollfd] {
        if isClosed { return [] }
        var entries = isPaused ? [] : [pollfd(fd: input, events: Int16(POLLIN), revents: 0)]
        if !unsent.isEmpty { entries.append(pollfd(fd: output, events: Int16(POLLOUT), revents: 0)) }
        return entries
    }

    /// Sends what waits, as far as the kernel takes it. A daemon that is gone is noticed by reading.
    func write() {
        if isClosed || unsent.isEmpty { return }
        let count = unsafe unsent.withUnsafeBytes { bytes in
            unsafe isConsole
                ? Glibc.write(output, bytes.baseAddress, bytes.count)
                : Glibc.send(output, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
        if count > 0 {
            unsent.removeFirst(count)
        } else if errno != EAGAIN, errno != EINTR {
            unsent = []
        }
    }

    /// Takes what has come.
    func read() {
        if isClosed || isPaused { return }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe Glibc.read(input, &buffer, buffer.count)
            if count > 0 {
                received += buffer[..<count]
            } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
                wasCutOff = !isLeaving
                close()
                break
            } else if errno == EAGAIN {
                break
            }
        }
        parse()
    }

    private func parse() {
        while let end = received[parsed...].firstIndex(of: 10) {
            let line = String(decoding: received[parsed..<end], as: UTF8.self)
            parsed = end + 1
            if line.hasPrefix("!") {
                notices.append(line)
            } else {
                let sender = String(line.prefix { $0 != " " })
                heard.append((sender, line))
                counts[sender, default: 0] += 1
            }
        }
    }

    /// What came after the last whole line.
    var rest: [UInt8] { Array(received[parsed...]) }

    func hasJoined(_ configuration: Configuration) -> Bool { isConsole || notices.contains(configuration.reply) }
}
