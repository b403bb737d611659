import Glibc
import KernelFaults
import Reactor
import TestSupport
import Testing

/// What is no socket is served, too: a console's input may be a terminal, a pipe, a file, or nothing.
struct FileAndPipeTests {
    private let loop: EventLoop
    private let handler = RecordingHandler()

    init() throws {
        loop = try EventLoop()
        // Writing to a pipe has no MSG_NOSIGNAL: see `adopt`.
        signal(SIGPIPE, SIG_IGN)
    }

    private func descriptor(opening path: String, _ flags: Int32) throws -> Int32 {
        let result = unsafe open(path, flags | O_CLOEXEC, 0o600)
        if result < 0 { throw Errno(rawValue: errno) }
        return result
    }

    /// A file that has no name any more, so that nothing is left of it.
    private func file(holding bytes: [UInt8]) throws -> Int32 {
        let path = try #require(SocketAddress.temporaryPath().path)
        let number = try descriptor(opening: path, O_RDWR | O_CREAT | O_EXCL)
        unsafe unlink(path)
        #expect(unsafe write(number, bytes, bytes.count) == bytes.count)
        lseek(number, 0, SEEK_SET)
        return number
    }

    @Test("Regular files give EPERM from epoll_ctl")
    func regularFilesGiveEPERMFromEpollCtl() throws {
        defer { loop.close() }
        let lines = (0..<20_000).map { "line \($0)" }
        let number = try file(holding: Array(lines.joined(separator: "\n").utf8))
        try loop.adopt(OwnedDescriptor(takingOver: number), for: .input, handler: handler)
        try loop.run(until: "at the end") { !handler.closeReasons.isEmpty }
        #expect(handler.texts == lines)
        #expect(handler.closeReasons == [.endOfInput])
        #expect(try loop.turns(during: .milliseconds(50)) <= 2)
    }

    @Test func anInputOfNothingEndsAndDoesNotSpin() throws {
        defer { loop.close() }
        try loop.adopt(OwnedDescriptor(takingOver: try descriptor(opening: "/dev/null", O_RDONLY)), for: .input, handler: handler)
        try loop.run(until: "at the end") { !handler.closeReasons.isEmpty }
        #expect(handler.events == [.opened, .closed(.endOfInput)])
        #expect(try loop.turns(during: .milliseconds(50)) <= 2)
    }

    @Test func aPausedFileDoesNotSpinAndGoesOn() throws {
        defer { loop.close() }
        let number = try file(holding: Array("one\ntwo\n".utf8))
        let connection = try loop.adopt(OwnedDescriptor(takingOver: number), for: .input, handler: handler)
        connection.pauseReading()
        try loop.settle()
        #expect(try loop.turns(during: .milliseconds(50)) <= 2)
        #expect(handler.messages.isEmpty)
        connection.resumeReading()
        try loop.run(until: "at the end") { !handler.closeReasons.isEmpty }
        #expect(handler.texts == ["one", "two"])
    }

    @Test func aFileThatIsClosedInTheMidstOfItIsReadNoFurther() throws {
        defer { loop.close() }
        let number = try file(holding: [UInt8](repeating: UInt8(ascii: "\n"), count: 1_000_000))
        handler.onMessage = { connection, _ in connection.close() }
        try loop.adopt(OwnedDescriptor(takingOver: number), for: .input, handler: handler)
        try loop.run(until: "closed") { !handler.closeReasons.isEmpty }
        #expect(handler.messages.count <= loop.configuration.readSize)
        #expect(try loop.turns(during: .milliseconds(50)) <= 2)
    }

    @Test func aPipeIsReadToItsEnd() throws {
        defer { loop.close() }
        let (reader, writer) = try makePipe()
        try loop.adopt(OwnedDescriptor(takingOver: reader), for: .input, handler: handler)
        let text = Array("one\ntwo".utf8)
        #expect(unsafe write(writer, text, text.count) == text.count)
        close(writer)
        try loop.run(until: "at the end") { !handler.closeReasons.isEmpty }
        #expect(handler.texts == ["one", "two"])
        #expect(handler.closeReasons == [.endOfInput])
    }

    @Test func aPipeTakesAllThatIsSentAndIsClosedAtTheFinish() throws {
        defer { loop.close() }
        let (reader, writer) = try makePipe()
        defer { close(reader) }
        let output = try loop.adopt(OwnedDescriptor(takingOver: writer), for: .output, handler: handler)
        let bytes = pattern(500_000)
        output.send(bytes)
        output.finish()
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        try loop.run(until: "at the end") {
            let count = unsafe read(reader, &buffer, buffer.count)
            if count > 0 { received += buffer[..<count] }
            return count == 0
        }
        #expect(received == bytes)
        #expect(handler.closeReasons == [.requested])
    }

    @Test func aPipeWhoseReaderIsGoneDoesNotSpinAndFailsOnceItIsWrittenTo() throws {
        defer { loop.close() }
        let (reader, writer) = try makePipe()
        let output = try loop.adopt(OwnedDescriptor(takingOver: writer), for: .output, handler: handler)
        close(reader)
        try loop.settle()
        #expect(try loop.turns(during: .milliseconds(50)) <= 2)
        output.send("hello\n")
        try loop.run(until: "closed") { !handler.closeReasons.isEmpty }
        #expect(handler.closeReasons == [.failed(.brokenPipe)])
    }

    @Test func aFullPipeWhoseReaderGoesAwayFails() throws {
        defer { loop.close() }
        let (reader, writer) = try makePipe()
        let output = try loop.adopt(OwnedDescriptor(takingOver: writer), for: .output, handler: handler)
        output.send(pattern(500_000))
        try loop.settle()
        #expect(output.pendingOutput > 0)
        #expect(try loop.turns(during: .milliseconds(50)) <= 2)
        close(reader)
        try loop.run(until: "closed") { !handler.closeReasons.isEmpty }
        #expect(handler.closeReasons == [.failed(.brokenPipe)])
    }

    @Test func aFileTakesWhatIsSent() throws {
        defer { loop.close() }
        let number = try file(holding: [])
        let copy = dup(number)
        defer { close(copy) }
        let output = try loop.adopt(OwnedDescriptor(takingOver: number), for: .output, handler: handler)
        output.send("hello\n")
        output.finish()
        try loop.run(until: "closed") { !handler.closeReasons.isEmpty }
        #expect(handler.closeReasons == [.requested])
        var buffer = [UInt8](repeating: 0, count: 10)
        #expect(unsafe pread(copy, &buffer, buffer.count, 0) == 6)
        #expect(String(decoding: buffer[..<6], as: UTF8.self) == "hello\n")
    }

    // MARK: - Output that is taken in part

    private func contents(of number: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 1_000)
        let count = unsafe pread(number, &buffer, buffer.count, 0)
        return String(decoding: buffer[..<max(count, 0)], as: UTF8.self)
    }

    /// Like a disk that becomes full within a write: the write falls short, and only the next one says why.
    @Test(.enabled(if: kernel_faults_are_available()), arguments: [OwnedDescriptor.Direction.input, .output])
    func aFullDiskIsReportedAsThat(_ direction: OwnedDescriptor.Direction) throws {
        defer { loop.close() }
        let output = try loop.adopt(OwnedDescriptor(takingOver: try file(holding: [])), for: direction, handler: handler)
        kernel_begin()
        defer { kernel_rest() }
        kernel_limit(3)
        kernel_fail(KERNEL_WRITEV, 1, 1_000, ENOSPC)
        output.pauseReading()
        output.send("hello\n")
        try loop.run(until: "closed") { !handler.closeReasons.isEmpty }
        #expect(handler.closeReasons == [.failed(.noSpace)])
    }

    @Test func aDeviceThatIsFullIsReportedAsThat() throws {
        defer { loop.close() }
        let full = OwnedDescriptor(takingOver: try descriptor(opening: "/dev/full", O_WRONLY))
        try loop.adopt(full, for: .output, handler: handler).send("hello\n")
        try loop.run(until: "closed") { !handler.closeReasons.isEmpty }
        #expect(handler.closeReasons == [.failed(.noSpace)])
    }

    @Test(.enabled(if: kernel_faults_are_available()), arguments: [EINTR, EAGAIN, 0])
    func aFileThatTakesLittleAtATimeIsWrittenToTheEnd(_ error: Int32) throws {
        defer { loop.close() }
        let number = try file(holding: [])
        let copy = dup(number)
        defer { close(copy) }
        let output = try loop.adopt(OwnedDescriptor(takingOver: number), for: .output, handler: handler)
        kernel_begin()
        defer { kernel_rest() }
        kernel_limit(2)
        if error != 0 { kernel_fail(KERNEL_WRITEV, 1, 1, error) }
        output.send("hello\n")
        output.finish()
        try loop.run(until: "closed") { !handler.closeReasons.isEmpty }
        kernel_rest()
        #expect(handler.closeReasons == [.requested])
        #expect(contents(of: copy) == "hello\n")
        #expect(try loop.turns(during: .milliseconds(50)) <= 2)
    }

    /// epoll refuses to watch /dev/null, which is asked for only when a write falls short.
    @Test(.enabled(if: kernel_faults_are_available()))
    func aDeviceThatEpollRefusesIsWrittenToTheEnd() throws {
        defer { loop.close() }
        let null = OwnedDescriptor(takingOver: try descriptor(opening: "/dev/null", O_RDWR))
        let output = try loop.adopt(null, for: .output, handler: handler)
        kernel_begin()
        defer { kernel_rest() }
        kernel_limit(2)
        output.send("hello\n")
        output.finish()
        try loop.run(until: "closed") { !handler.closeReasons.isEmpty }
        #expect(handler.closeReasons == [.requested])
        #expect(kernel_calls(KERNEL_WRITEV) == 3)
    }

    /// An output's reading is paused once, and may be resumed. epoll refuses it only then.
    @Test func aDeviceThatEpollRefusesIsReadOnceThatIsAskedFor() throws {
        defer { loop.close() }
        let null = OwnedDescriptor(takingOver: try descriptor(opening: "/dev/null", O_RDWR))
        let connection = try loop.adopt(null, for: .output, handler: handler)
        connection.resumeReading()
        try loop.run(until: "at the end") { !handler.closeReasons.isEmpty }
        #expect(handler.closeReasons == [.endOfInput])
    }
}
