import Glibc
import KernelFaults
import Reactor
import Testing

@testable import Broadcast

/// A log for which there is no memory is an error, and leaves neither a descriptor nor a mapping behind.
@Suite(.enabled(if: kernel_faults_are_available()))
struct UnavailableMemoryTests {
    struct Failure: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var call: kernel_call
        /// Which of the calls fails, counted from 0.
        var number: Int32 = 0
        var error: Int32
    }

    @Test(arguments: [
        Failure(testDescription: "no descriptor", call: KERNEL_MEMFD_CREATE, error: EMFILE),
        Failure(testDescription: "no room in the file system", call: KERNEL_FTRUNCATE, error: ENOSPC),
        Failure(testDescription: "no room for both mappings", call: KERNEL_MMAP, number: 0, error: ENOMEM),
        Failure(testDescription: "the first mapping fails", call: KERNEL_MMAP, number: 1, error: ENOMEM),
        Failure(testDescription: "the second mapping fails", call: KERNEL_MMAP, number: 2, error: EAGAIN),
    ])
    func isToldAndLeavesNothingBehind(_ failure: Failure) throws {
        let loop = try EventLoop()
        kernel_begin()
        defer { kernel_rest() }
        kernel_fail(failure.call, failure.number, 1, failure.error)
        #expect(throws: Errno(rawValue: failure.error)) { try Topic(on: loop) }
        #expect(kernel_strikes() == 1)
        #expect(kernel_open_descriptors() == 0)
        #expect(kernel_mapped_bytes() == 0)
    }

    @Test func aLogThatIsGoneHasGivenBackItsMemory() throws {
        kernel_begin()
        defer { kernel_rest() }
        do {
            let log = try BroadcastLog(minimumCapacity: 100_000)
            #expect(kernel_mapped_bytes() == 2 * log.capacity)
            #expect(kernel_open_descriptors() == 0, "the mappings keep the memory without it")
        }
        #expect(kernel_mapped_bytes() == 0)
    }
}
