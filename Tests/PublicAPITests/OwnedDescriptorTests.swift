import ChatReactor
import Glibc
import TestSupport
import Testing

/// What `OwnedDescriptor` promises.
struct OwnedDescriptorTests {
    @Test("A descriptor is closed when its owner lets go of it")
    func closes() throws {
        let (input, output) = try makePipe()
        let reader = Peer(takingOver: input)
        do {
            let owner = OwnedDescriptor(takingOver: output)
            #expect(owner.rawValue == output)
            #expect(!reader.hasEnded)
            _ = owner.rawValue
        }
        #expect(reader.hasEnded)
    }

    @Test("Ownership can be given up without closing")
    func release() throws {
        let (input, output) = try makePipe()
        let reader = Peer(takingOver: input)
        let number = OwnedDescriptor(takingOver: output).release()
        #expect(number == output)
        let writer = Peer(takingOver: number)
        try writer.send("still open")
        #expect(reader.text == "still open")
    }

    @Test("A pipe is opened anew: reading it does not block, which whoever shares the old descriptor does not notice")
    func reopenedPipe() throws {
        let (input, output) = try makePipe()
        let writer = Peer(takingOver: output)
        _ = fcntl(input, F_SETFL, 0)
        let original = OwnedDescriptor(takingOver: input)
        let reopened = try OwnedDescriptor.reopening(input, for: .input)
        #expect(reopened.rawValue != input)
        #expect(fcntl(reopened.rawValue, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(original.rawValue, F_GETFL) & O_NONBLOCK == 0)
        try writer.send("hello")
        let reader = Peer(takingOver: reopened.release())
        #expect(reader.text == "hello")
    }

    @Test("The writing end of a pipe can be opened anew, too")
    func reopenedOutput() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (input, output) = try makePipe()
        let reader = Peer(takingOver: input)
        let original = OwnedDescriptor(takingOver: output)
        let connection = try loop.adopt(
            OwnedDescriptor.reopening(original.rawValue, for: .output), for: .output, handler: RecordingHandler())
        connection.send("hello")
        try loop.run(until: "the text") { reader.text == "hello" }
    }

    @Test("A regular file is not opened anew: the place where the next byte goes stays the same for all who share it")
    func reopenedFile() throws {
        let path = TemporaryPath()
        let original = OwnedDescriptor(takingOver: try path.open(O_WRONLY))
        let reopened = try OwnedDescriptor.reopening(original.rawValue, for: .output)
        #expect(unsafe write(original.rawValue, "one,", 4) == 4)
        #expect(unsafe write(reopened.rawValue, "two,", 4) == 4)
        #expect(unsafe write(original.rawValue, "three", 5) == 5)
        #expect(try path.text == "one,two,three")
    }

    @Test("A copy of its own: closing it leaves the standard stream open")
    func ofItsOwn() throws {
        let path = TemporaryPath()
        let original = OwnedDescriptor(takingOver: try path.open(O_WRONLY))
        do {
            let reopened = try OwnedDescriptor.reopening(original.rawValue, for: .output)
            #expect(reopened.rawValue != original.rawValue)
        }
        #expect(unsafe write(original.rawValue, "one", 3) == 3)
    }
}
