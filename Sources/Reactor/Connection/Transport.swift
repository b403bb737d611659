/// A filter of bytes between a connection and its socket: what the peer sends is *opened* into messages' bytes, and what is sent to it
/// is *sealed*. TLS is one.
///
/// A transport has no socket and no events. It works on memory that is lent to it for one call, a `Wire`; reading, writing, closing and
/// deadlines stay with the connection. All of it is called on the loop's thread.
///
///      socket ──→ Wire.input ──→ open ──→ messages
///      socket ←── Wire.output ←── seal ←── send, topics
package protocol Transport: AnyObject {
    /// Takes the next step of the handshake. Returns true once it is complete; what the peer sent after it may be left in the input.
    ///
    /// It is called once at the start, again whenever more input has come, and again as long as it leaves the output full; not again once it
    /// is complete. Until then it takes all of the input, and keeps what it cannot use yet.
    func establish(_ wire: inout Wire) throws(TransportFailure) -> Bool

    /// Opens some of the input into `plaintext`, which has room for a byte at least, and returns how many bytes that made. Called again until
    /// it returns 0 and takes no input. What it cannot open yet, for it is the beginning of a record, the transport takes and keeps.
    func open(_ wire: inout Wire, into plaintext: UnsafeMutableRawBufferPointer) throws(TransportFailure) -> Int

    /// Seals some of the bytes into the output, and returns how many: those are the transport's from then on. It returns 0 only if the
    /// output has no room for a record.
    func seal(_ bytes: UnsafeRawBufferPointer, _ wire: inout Wire) throws(TransportFailure) -> Int

    /// Says to the peer, in the output, that nothing more will come.
    func sealEnd(_ wire: inout Wire)

    /// Whether the peer has said that nothing more will come. The end of the socket's input without it is a truncation.
    var hasEnded: Bool { get }
}

/// Which side of a connection a transport is for.
package enum TransportRole: Sendable {
    /// This side has connected.
    case client
    /// This side has accepted.
    case server
}

/// Why a transport gave up.
public struct TransportFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// A few words for a log: what failed, and what the library beneath the transport says of it.
    public let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// The memory that a transport is lent for one call: what has come from the socket, and room for what is to go there.
@safe package struct Wire: ~Copyable {
    private var input: UnsafeRawBufferPointer
    private let output: UnsafeMutableRawBufferPointer
    /// How many bytes the transport has put into the output.
    package private(set) var outputCount = 0

    init(input: UnsafeRawBufferPointer, output: UnsafeMutableRawBufferPointer) {
        unsafe self.input = input
        unsafe self.output = output
    }

    /// How many bytes of input are left.
    package var inputCount: Int { unsafe input.count }
    /// How many bytes the output has room for.
    package var room: Int { unsafe output.count &- outputCount }
    /// Whether the output has no room. Then the connection empties it, and calls again.
    package var isFull: Bool { room == 0 }

    /// Takes input: `body` gets all that is left, and returns how many of its bytes it has taken.
    package mutating func takeInput(_ body: (UnsafeRawBufferPointer) -> Int) {
        let taken = unsafe min(max(body(input), 0), input.count)
        unsafe input = UnsafeRawBufferPointer(rebasing: input.dropFirst(taken))
    }

    /// Puts output: `body` gets all the room that is left, and returns how many bytes of it it has filled.
    package mutating func putOutput(_ body: (UnsafeMutableRawBufferPointer) -> Int) {
        let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: output[outputCount...])
        outputCount &+= unsafe min(max(body(rest), 0), rest.count)
    }

    /// Has `body` take what the output holds, which is empty then.
    mutating func emptyOutput(_ body: (UnsafeRawBufferPointer) -> Void) {
        if outputCount == 0 { return }
        unsafe body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(output)[..<outputCount]))
        outputCount = 0
    }
}

/// The memory that a loop lends to the transports of its connections, one after the other. It is made with the first of them.
@safe final class WireBuffer {
    /// For a record of TLS, several times.
    static let outputSize = 65_536
    let inputSize: Int
    let input: UnsafeMutableRawPointer
    private let output: UnsafeMutableRawBufferPointer

    init(readSize: Int) {
        inputSize = readSize
        unsafe input = .allocate(byteCount: readSize, alignment: 16)
        unsafe output = .allocate(byteCount: Self.outputSize, alignment: 16)
    }

    /// The memory as a transport gets it, with the first `inputCount` bytes as its input, and an empty output.
    func wire(inputCount: Int = 0) -> Wire {
        unsafe Wire(input: UnsafeRawBufferPointer(start: input, count: inputCount), output: output)
    }

    deinit {
        unsafe input.deallocate()
        unsafe output.deallocate()
    }
}
