import ChatReactor
import Glibc
import Synchronization
import TestSupport
import Testing

/// Of several servers that want one Unix path exactly one listens, and only that one removes it.
@Suite(.beyondPatience)
struct UnixPathOwnershipTests {
    /// Leaves a path behind, as a server does that was killed.
    private func leaveBehind(_ path: String) throws {
        let descriptor = try makeSocket(for: .unix(path: path))
        let result = unsafe withSystemAddress(.unix(path: path)) { pointer, size in unsafe bind(descriptor, pointer, size) }
        #expect(result == 0)
        close(descriptor)
    }

    @Test("A listener does not remove a path that another one has bound meanwhile")
    func successor() throws {
        let file = TemporaryPath()
        let address = SocketAddress.unix(path: file.path)
        let (first, second) = (try EventLoop(), try EventLoop())
        defer { second.close() }
        try first.listen(on: address, handler: RecordingHandler())
        #expect(unsafe unlink(file.path) == 0)
        let handler = RecordingHandler()
        try second.listen(on: address, handler: handler)
        first.close()
        #expect(file.exists)
        let peer = try Peer(to: address)
        try peer.send("hello\n")
        try second.run(until: "the successor to be reached") { handler.texts == ["hello"] }
    }

    @Test("Of eight that start at once at a path that was left behind, one listens and can be reached")
    func race() throws {
        for _ in 0..<20 {
            let file = TemporaryPath()
            let address = SocketAddress.unix(path: file.path)
            try leaveBehind(file.path)
            let results = Mutex<[Bool]>([])
            let (starts, ends) = (Barrier(), Barrier())
            let threads = (0..<8).map { number in
                Thread {
                    starts.arrive(of: 8)
                    let handler = RecordingHandler()
                    guard let loop = try? EventLoop() else { return }
                    do {
                        try loop.listen(on: address, handler: handler)
                        results.withLock { $0.append(true) }
                        ends.arrive(of: 8)
                        let peer = try Peer(to: address)
                        try peer.send("hello\n")
                        try loop.run(until: "the winner to be reached") { handler.texts == ["hello"] }
                    } catch {
                        #expect(error as? Errno == .addressInUse)
                        results.withLock { $0.append(false) }
                        ends.arrive(of: 8)
                    }
                    loop.close()
                }
            }
            for thread in threads { thread.join() }
            #expect(results.withLock { $0.count { $0 } } == 1)
            #expect(!file.exists)
        }
    }

    /// Two servers have found the path stale. The second is held up just before it would remove the path, as by a slow disk.
    @Test("A server that is held up while it replaces a path does not take it from the one that has replaced it meanwhile")
    func delayed() throws {
        let file = TemporaryPath()
        let address = SocketAddress.unix(path: file.path)
        try leaveBehind(file.path)
        // What a server holds that is in the middle of replacing the path.
        let folder = unsafe open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        #expect(flock(folder, LOCK_EX) == 0)
        let isRefused = Mutex(false)
        let late = Thread {
            guard let loop = try? EventLoop() else { return }
            defer { loop.close() }
            do {
                try loop.listen(on: address, handler: RecordingHandler())
            } catch {
                isRefused.withLock { $0 = (error as? Errno) == .addressInUse }
            }
        }
        #expect(unsafe unlink(file.path) == 0)
        let descriptor = try makeSocket(for: address)
        let result = unsafe withSystemAddress(address) { pointer, size in unsafe bind(descriptor, pointer, size) }
        #expect(result == 0 && listen(descriptor, 1) == 0)
        close(folder)
        late.join()
        #expect(isRefused.withLock { $0 })
        _ = try Peer(to: address)
        close(descriptor)
    }

    @Test("An empty path, and one with a zero byte, are refused", arguments: ["", "a\0b"])
    func invalid(path: String) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        #expect(throws: Errno.invalidArgument) { try loop.listen(on: .unix(path: path), handler: RecordingHandler()) }
        #expect(throws: Errno.invalidArgument) { try loop.connect(to: .unix(path: path), handler: RecordingHandler()) }
    }

    @Test("A folder whose lock another process keeps makes listening fail after two seconds, and closing leave the path")
    func locked() throws {
        let folder = TemporaryPath()
        #expect(unsafe mkdir(folder.path, 0o700) == 0)
        defer { unsafe rmdir(folder.path) }
        let path = folder.path + "/s"
        let loop = try EventLoop()
        let listener = try loop.listen(on: .unix(path: path), handler: RecordingHandler())
        let lock = unsafe open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        #expect(flock(lock, LOCK_EX) == 0)
        // The mark and the slash before it make one character, but a path has bytes.
        for name in ["/s2", "/\u{301}"] {
            #expect(throws: Errno.wouldBlock) {
                try loop.listen(on: .unix(path: folder.path + name), handler: RecordingHandler()).close()
            }
        }
        listener.close()
        #expect(unsafe access(path, F_OK) == 0)
        close(lock)
        try loop.listen(on: .unix(path: path), handler: RecordingHandler()).close()
        #expect(unsafe access(path, F_OK) != 0)
        loop.close()
    }
}

/// A thread that is waited for.
private final class Thread: Sendable {
    private let thread: pthread_t

    init(_ body: @escaping @Sendable () -> Void) {
        let work = unsafe Unmanaged.passRetained(Confined(body) as AnyObject)
        var thread = pthread_t()
        let result = unsafe pthread_create(
            &thread, nil,
            { argument in
                let work = unsafe Unmanaged<AnyObject>.fromOpaque(argument!).takeRetainedValue()
                (work as? Confined<@Sendable () -> Void>)?.value()
                return nil
            }, work.toOpaque())
        precondition(result == 0)
        self.thread = thread
    }

    func join() { pthread_join(thread, nil) }
}

private final class Barrier: Sendable {
    private let count = Atomic(0)

    func arrive(of total: Int) {
        count.add(1, ordering: .sequentiallyConsistent)
        while count.load(ordering: .sequentiallyConsistent) < total { sched_yield() }
    }
}
