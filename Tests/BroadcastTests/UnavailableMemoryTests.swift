import KernelFaults
import Reactor
import Testing

@testable import Broadcast

/// A log for which there is no memory is an error of `allocateLog`, and a message that is not published. It leaves neither a
/// descriptor nor a mapping behind, and once there is memory the topic works.
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
                let topic = try Topic(on: loop)
                if (try? topic.allocateLog()) != nil {
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
            let topic = try Topic(on: loop)
            #expect(throws: error) { try topic.allocateLog() }
            kernel_rest()
        }
    }

    @Test func aMessageThatThereIsNoMemoryForIsNotPublishedAndTheNextOneIs() throws {
        let loop = try EventLoop()
        let topic = try Topic(on: loop)
        let peer = try Peer(on: loop, in: topic, history: 5)
        kernel_begin()
        kernel_fail(KERNEL_MEMFD_CREATE, 0, 1, Errno.tooManyOpenFiles.rawValue)
        let isPublished = topic.publish("lost\n")
        kernel_rest()
        #expect(!isPublished)
        #expect(topic.messageCount == 0)
        try loop.turn()
        #expect(topic.publish("kept\n"))
        try loop.drain(peer)
        #expect(peer.text == "kept\n")
        loop.close()
    }

    @Test func aLogThatIsGoneHasGivenBackItsMemory() throws {
        kernel_begin()
        defer { kernel_rest() }
        do {
            let log = try BroadcastLog(minimumCapacity: 100_000)
            #expect(kernel_mapped_bytes() == 0, "nothing is mapped before it is needed")
            try log.allocate()
            #expect(kernel_mapped_bytes() >= 2 * log.capacity)
            #expect(kernel_open_descriptors() == 0, "the mappings keep the memory without it")
        }
        #expect(kernel_mapped_bytes() == 0)
    }
}
