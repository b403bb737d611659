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
        try reader.waitForEnd()
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
}
