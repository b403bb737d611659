import ChatReactor
import Glibc
import TestSupport
import Testing

/// The path of a Unix-domain socket: what a server left behind is replaced, and nothing else is ever touched.
struct UnixPathTests {
    private let loop: EventLoop
    private let handler = RecordingHandler()
    private let address = SocketAddress.temporaryPath()
    private let path: String

    init() throws {
        loop = try EventLoop()
        path = try #require(address.path)
    }

    private func finish() {
        loop.close()
        unsafe unlink(path)
    }

    /// The file's type and number, or nil if there is none.
    private var identity: [UInt64]? {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return nil }
        return [UInt64(status.st_mode), UInt64(status.st_ino)]
    }

    @Test func thePathIsRemovedAtClose() throws {
        defer { finish() }
        let listener = try loop.listen(on: address, handler: handler)
        #expect(identity != nil)
        listener.close()
        #expect(identity == nil)
    }

    @Test func thePathIsRemovedWhenTheLoopCloses() throws {
        defer { finish() }
        try loop.listen(on: address, handler: handler)
        loop.close()
        #expect(identity == nil)
    }

    @Test func aStalePathIsReplaced() throws {
        defer { finish() }
        // A server that ended without closing: its socket is gone, its path is not.
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &name.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let result = unsafe withUnsafePointer(to: &name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(result == 0)
        close(number)
        #expect(identity != nil)

        try loop.listen(on: address, handler: handler)
        let client = RecordingHandler()
        try loop.connect(to: address, handler: client).send("hello\n")
        try loop.run(until: "received") { handler.texts == ["hello"] }
    }

    @Test func aLivePathIsRefusedAndLeftUntouched() throws {
        defer { finish() }
        try loop.listen(on: address, handler: handler)
        let before = identity
        let other = try EventLoop()
        defer { other.close() }
        #expect(throws: Errno.addressInUse) { try other.listen(on: address, handler: handler) }
        #expect(identity == before)
        try loop.connect(to: address, handler: RecordingHandler()).send("hello\n")
        try loop.run(until: "received") { handler.texts == ["hello"] }
    }

    @Test func aRegularFileIsRefusedAndLeftUntouched() throws {
        defer { finish() }
        let number = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        #expect(unsafe write(number, "precious", 8) == 8)
        close(number)
        let before = identity
        #expect(throws: Errno.fileExists) { try loop.listen(on: address, handler: handler) }
        #expect(identity == before)
        var status = stat()
        #expect(unsafe stat(path, &status) == 0 && status.st_size == 8)
    }

    @Test func aSymbolicLinkIsRefusedAndLeftUntouched() throws {
        defer { finish() }
        #expect(unsafe symlink("/dev/null", path) == 0)
        let before = identity
        #expect(throws: Errno.fileExists) { try loop.listen(on: address, handler: handler) }
        #expect(identity == before)
    }

    @Test func aPathInADirectoryThatIsNotThereIsAnError() throws {
        defer { finish() }
        #expect(throws: Errno(rawValue: ENOENT)) { try loop.listen(on: .unix(path: path + "/x"), handler: handler) }
        #expect(throws: Errno(rawValue: ENOENT)) { try loop.connect(to: address, handler: handler) }
        #expect(handler.events.isEmpty)
    }
}
