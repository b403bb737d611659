import KernelFaults
import Reactor
import Testing

@testable import Broadcast

/// A log for which there is no memory is an error, and leaves neither a descriptor nor a mapping behind.
@Suite(.enabled(if: kernel_faults_are_available()))
struct UnavailableMemoryTests {
    @Test(arguments: [
        (KERNEL_MEMFD_CREATE, [Errno.tooManyOpenFiles, .noMemory]),
        (KERNEL_FTRUNCATE, [.noSpace]),
        (KERNEL_MMAP, [.noMemory, .wouldBlock]),
    ])
    func isToldAndLeavesNothingBehind(_ call: kernel_call, _ errors: [Errno]) throws {
        let loop = try EventLoop()
        for error in errors {
            // Each of the calls fails in turn, until there is none left to fail.
            var number: Int32 = 0
            while true {
                kernel_begin()
                defer { kernel_rest() }
                kernel_fail(call, number, 1, error.rawValue)
                if (try? Topic(on: loop)) != nil {
                    #expect(kernel_strikes() == 0, "call \(number + 1) failed, and nobody was told")
                    break
                }
                #expect(kernel_open_descriptors() == 0, "call \(number + 1)")
                #expect(kernel_mapped_bytes() == 0, "call \(number + 1)")
                number += 1
            }
            #expect(number > 0)
            kernel_begin()
            kernel_fail(call, 0, 1, error.rawValue)
            #expect(throws: error) { try Topic(on: loop) }
            kernel_rest()
        }
    }

    @Test func aLogThatIsGoneHasGivenBackItsMemory() throws {
        kernel_begin()
        defer { kernel_rest() }
        do {
            let log = try BroadcastLog(minimumCapacity: 100_000)
            #expect(kernel_mapped_bytes() >= 2 * log.capacity)
            #expect(kernel_open_descriptors() == 0, "the mappings keep the memory without it")
        }
        #expect(kernel_mapped_bytes() == 0)
    }
}
