/// A filter of bytes between a connection and its socket, such as TLS. It *opens* what the peer sends, which makes the bytes of
/// messages, and *seals* the bytes of messages, which makes what the peer gets.
///
/// A transport has no socket and no events. It works on a `TransportWire`, which is memory that the connection lends it for one call. The
/// connection reads, writes, closes, and keeps the deadlines. It calls the transport on the loop's thread.
///
///      socket ──→ TransportWire ──→ open ──→ messages
///      socket ←── TransportWire ←── seal ←── send, topics
///
/// `ReactorTLS` has the one that most programs need. To write another, make a type of it, and set `Connection.Options.transport`.
public protocol Transport: AnyObject {
    /// Takes the next step of the handshake. Returns true once the handshake is complete; it may then leave in the input what the
    /// peer has sent after it.
    ///
    /// The connection calls this at the start, whenever more input has come, and as long as it leaves the output full, until it
    /// returns true. Until then it takes all of the input, and keeps what it cannot use yet.
    func establish(_ wire: inout TransportWire) throws(TransportFailure) -> Bool

    /// Opens some of the input into `plaintext`, which has room for a byte at least, and returns how many bytes it has put there.
    /// The connection calls this again until it returns 0 and takes no input. The transport takes and keeps the beginning of a
    /// record that it cannot open yet.
    func open(_ wire: inout TransportWire, into plaintext: UnsafeMutableRawBufferPointer) throws(TransportFailure) -> Int

    /// Seals some of the bytes into the output, and returns how many it has taken. It returns 0 only if the output has no
    /// room for a record.
    func seal(_ bytes: UnsafeRawBufferPointer, _ wire: inout TransportWire) throws(TransportFailure) -> Int

    /// Puts into the output what tells the peer that nothing more will come.
    func sealEnd(_ wire: inout TransportWire)

    /// Whether the peer has told the transport that nothing more will come. If the socket's input ends before that, it was
    /// cut off.
    var hasEnded: Bool { get }
}

/// The side of a connection that a transport is for.
public enum TransportRole: Sendable {
    /// The side that has connected.
    case client
    /// The side that has accepted the connection, or was made of a connected socket.
    case server
}

/// Makes the transport of each connection that has these `Connection.Options`. `ReactorTLS` has some.
public struct TransportFactory: Sendable {
    /// Makes the transport of one connection. If it throws, the connection closes: it never goes on without a transport.
    package let makeTransport: @Sendable (TransportRole) throws(TransportFailure) -> any Transport

    /// Wraps a closure, which is called on the loop's thread, once for each connection.
    public init(_ makeTransport: @escaping @Sendable (TransportRole) throws(TransportFailure) -> any Transport) {
        self.makeTransport = makeTransport
    }
}

/// Why a transport gave up.
public struct TransportFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// A few words for a log: what failed, and what the library that the transport uses says of it.
    public let description: String

    /// - Parameter description: A few words for a log.
    public init(_ description: String) {
        self.description = description
    }
}

/// The memory that a connection lends a transport for one call: bytes from the socket, and room for bytes to the socket.
@safe public struct TransportWire: ~Copyable {
    private var input: UnsafeRawBufferPointer
    private let output: UnsafeMutableRawBufferPointer
    /// How many bytes are in the output.
    public private(set) var outputCount = 0

    init(input: UnsafeRawBufferPointer, output: UnsafeMutableRawBufferPointer) {
        unsafe self.input = input
        unsafe self.output = output
    }

    /// How many bytes of input are left.
    public var inputCount: Int { unsafe input.count }
    /// How many bytes the output has room for.
    public var room: Int { unsafe output.count &- outputCount }
    /// Whether the output has no room. The connection then empties it, and calls the transport again.
    public var isFull: Bool { room == 0 }

    /// Takes input and puts output: `body` gets all the input and all the room that is left, and returns how many bytes of the one it has
    /// taken, and how many of the other it has filled.
    public mutating func exchange(_ body: (UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer) -> (taken: Int, put: Int)) {
        // By addresses: a slice and its rebasing cost more than the rest of this.
        let rest = unsafe UnsafeMutableRawBufferPointer(
            start: output.baseAddress.map { unsafe $0 + outputCount }, count: output.count &- outputCount)
        let (taken, put) = unsafe body(input, rest)
        let count = unsafe min(max(taken, 0), input.count)
        unsafe input = UnsafeRawBufferPointer(start: input.baseAddress.map { unsafe $0 + count }, count: input.count &- count)
        outputCount &+= min(max(put, 0), rest.count)
    }

    /// Takes input alone.
    public mutating func takeInput(_ body: (UnsafeRawBufferPointer) -> Int) {
        unsafe exchange { input, _ in unsafe (body(input), 0) }
    }

    /// Puts output alone.
    public mutating func putOutput(_ body: (UnsafeMutableRawBufferPointer) -> Int) {
        unsafe exchange { _, room in unsafe (0, body(room)) }
    }

    /// Calls `body` with what the output holds, and empties it.
    mutating func emptyOutput(_ body: (UnsafeRawBufferPointer) -> Void) {
        if outputCount == 0 { return }
        unsafe body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(output)[..<outputCount]))
        outputCount = 0
    }
}

/// The memory that a loop lends to the transports of its connections, one after the other. The loop makes it for the first of
/// them.
@safe final class WireBuffer {
    /// Room for one record of TLS. It is what a peer costs that does not read: see `TransportState.sealed`.
    static let outputSize = 17_408
    let inputSize: Int
    let input: UnsafeMutableRawPointer
    private let output: UnsafeMutableRawBufferPointer

    init(readSize: Int) {
        inputSize = readSize
        unsafe input = .allocate(byteCount: readSize, alignment: 16)
        unsafe output = .allocate(byteCount: Self.outputSize, alignment: 16)
    }

    /// Makes a wire of the memory, with its first `inputCount` bytes as the input, and an empty output.
    func wire(inputCount: Int = 0) -> TransportWire {
        unsafe TransportWire(input: UnsafeRawBufferPointer(start: input, count: inputCount), output: output)
    }

    deinit {
        unsafe input.deallocate()
        unsafe output.deallocate()
    }
}
