import Glibc
import KernelFaults
import TestSupport
import Testing

@testable import Reactor

/// A descriptor that cannot be watched is refused with the kernel's error, and leaves nothing behind.
struct WatcherErrorTests {
    private let loop: EventLoop

    init() throws {
        loop = try EventLoop()
    }

    @Test func regularFilesAndDirectoriesAreRefused() throws {
        defer { loop.close() }
        let file = unsafe open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
        let directory = unsafe open("/", O_RDONLY | O_CLOEXEC)
        defer { for descriptor in [file, directory] { close(descriptor) } }
        for descriptor in [file, directory] {
            #expect(throws: Errno.notPermitted) { try loop.watch(descriptor, for: .readable) { _, _ in } }
            // Nothing to watch for is nothing to refuse.
            let watcher = try loop.watch(descriptor, for: []) { _, _ in }
            #expect(throws: Errno.notPermitted) { try watcher.setInterest(.writable) }
            #expect(watcher.interest == [] && !watcher.isCancelled)
            watcher.cancel()
        }
    }

    @Test func aNumberThatIsNotOpenIsRefused() throws {
        defer { loop.close() }
        #expect(throws: Errno(rawValue: EBADF)) { try loop.watch(-1, for: .readable) { _, _ in } }
    }

    @Test func aDescriptorIsWatchedOnceAndItsDuplicateAgain() throws {
        defer { loop.close() }
        let (reader, writer) = try makePipe()
        let copy = dup(reader)
        defer { for end in [reader, writer, copy] { close(end) } }
        var calls: [Int32] = []
        let handler: DescriptorWatcher.Handler = { watcher, _ in
            calls.append(watcher.descriptor)
            watcher.cancel()
        }
        try loop.watch(reader, for: .readable, handler: handler)
        #expect(throws: Errno.fileExists) { try loop.watch(reader, for: .readable, handler: handler) }
        try loop.watch(copy, for: .readable, handler: handler)
        #expect(unsafe write(writer, "x", 1) == 1)
        try loop.settle()
        #expect(calls.sorted() == [reader, copy].sorted())
    }

    @Test(.enabled(if: kernel_faults_are_available()), arguments: [ENOMEM, ENOSPC])
    func aKernelThatRefusesAChangeLeavesTheInterestAsItWas(_ error: Int32) throws {
        defer { loop.close() }
        let (reader, writer) = try makePipe()
        defer { for end in [reader, writer] { close(end) } }
        var calls = 0
        let refused = Errno(rawValue: error)
        kernel_begin()
        defer { kernel_rest() }
        kernel_fail(KERNEL_EPOLL_CTL, 0, 1, error)
        #expect(throws: refused) { try loop.watch(reader, for: .readable) { _, _ in calls += 100 } }
        let watcher = try loop.watch(reader, for: .readable) { watcher, _ in
            calls += 1
            watcher.cancel()
        }
        kernel_fail(KERNEL_EPOLL_CTL, 0, 1, error)
        #expect(throws: refused) { try watcher.setInterest([.readable, .priority]) }
        #expect(watcher.interest == .readable)
        #expect(unsafe write(writer, "x", 1) == 1)
        try loop.settle()
        #expect(calls == 1)
    }

    /// Only what has a meaning reaches the kernel: a set of nothing else must count as empty.
    @Test func anInterestHasNoMeaninglessBits() {
        #expect(Interest(rawValue: 0b1111_1000).isEmpty)
        #expect(Interest(rawValue: .max) == [.readable, .writable, .priority])
    }
}
