import Glibc
public import Reactor

/// Waits until one of the descriptors can be read, or is at its end. Returns which can; none if the time is over.
///
/// The corresponding C function is `poll`.
public func waitForInput(on descriptors: [Int32], atMost time: Duration) throws(Errno) -> [Bool] {
    var entries = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    let end = ContinuousClock.now.advanced(by: time)
    while true {
        let left = max(.zero, ContinuousClock.now.duration(to: end)) / Duration.milliseconds(1)
        if unsafe poll(&entries, nfds_t(entries.count), Int32(left.rounded(.up))) >= 0 { break }
        if errno != EINTR { throw Errno(rawValue: errno) }
    }
    return entries.map { $0.revents != 0 }
}

/// Reads a pipe, a terminal or a socket. A read that would wait too long throws, so that the test fails and does not hang.
public final class StreamReader {
    public let descriptor: Int32
    /// What was read from the descriptor, and not yet from here.
    private var unread: [UInt8] = []

    /// Takes over a descriptor.
    public init(takingOver descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// The next line without its newline; what is left, if it ends without one; or nil at the end.
    public func line() throws -> String? {
        var searched = 0
        while true {
            if let newline = unread[searched...].firstIndex(of: 10) {
                defer { unread.removeSubrange(...newline) }
                return String(decoding: unread[..<newline], as: UTF8.self)
            }
            searched = unread.count
            if try !readMore(for: "a line") { break }
        }
        defer { unread = [] }
        return unread.isEmpty ? nil : String(decoding: unread, as: UTF8.self)
    }

    public func lines(_ count: Int) throws -> [String] {
        try (0..<count).compactMap { _ in try line() }
    }

    /// The next `count` bytes, or what there is before the end.
    public func bytes(_ count: Int) throws -> [UInt8] {
        while unread.count < count, try readMore(for: "\(count) bytes") {}
        let result = Array(unread.prefix(count))
        unread.removeFirst(result.count)
        return result
    }

    /// Everything up to the end.
    public func all() throws -> [UInt8] {
        while try readMore(for: "the end") {}
        defer { unread = [] }
        return unread
    }

    /// Everything up to and including `text`, which must come.
    @discardableResult
    public func text(through text: String) throws -> String {
        let sought = Array(text.utf8)
        var searched = 0
        while true {
            for start in searched..<max(searched, unread.count - sought.count + 1)
            where unread[start..<start + sought.count].elementsEqual(sought) {
                let end = start + sought.count
                defer { unread.removeFirst(end) }
                return String(decoding: unread[..<end], as: UTF8.self)
            }
            searched = max(0, unread.count - sought.count + 1)
            if try !readMore(for: "'\(text)'") {
                throw TimedOut("'\(text)': the stream has ended after '\(String(decoding: unread, as: UTF8.self))'")
            }
        }
    }

    /// Whether neither input nor the end comes for a while. A test that something does not happen cannot do better.
    public func isSilent(for time: Duration = .milliseconds(200)) throws -> Bool {
        try unread.isEmpty && waitForInput(on: [descriptor], atMost: time) == [false]
    }

    private func readMore(for what: String) throws -> Bool {
        guard try waitForInput(on: [descriptor], atMost: patience) == [true] else {
            throw TimedOut("\(what), having read '\(String(decoding: unread.suffix(500), as: UTF8.self))'")
        }
        let count = unsafe withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { buffer in
            let count = unsafe read(descriptor, buffer.baseAddress, buffer.count)
            if count > 0 { unsafe unread.append(contentsOf: buffer[..<count]) }
            return count
        }
        // A terminal whose other side is closed answers EIO. A connection that was reset is at its end, too.
        if count < 0, errno != EIO, errno != ECONNRESET { throw Errno(rawValue: errno) }
        return count > 0
    }
}
