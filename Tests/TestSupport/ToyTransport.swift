public import Reactor

/// A transport to test connections with. It sends records: two bytes of length, and as many bytes, each changed by a key. An empty record is
/// the end. Before the first record each side greets the other; the server's greeting is as long as the test wants.
public final class ToyTransport: Transport {
    public static let clientGreeting = [UInt8](repeating: UInt8(ascii: "h"), count: 5)
    private static let key: UInt8 = 0x5A
    private static let recordSize = 1_000

    private var unsent: ArraySlice<UInt8>
    private var expected: Int
    private var held: [UInt8] = []
    public private(set) var hasEnded = false

    public init(_ role: TransportRole, serverGreeting: Int) {
        let greeting = Self.serverGreeting(serverGreeting)
        (unsent, expected) =
            role == .client ? (Self.clientGreeting[...], serverGreeting) : (greeting[...], Self.clientGreeting.count)
    }

    public static func serverGreeting(_ length: Int) -> [UInt8] { [UInt8](repeating: UInt8(ascii: "w"), count: length) }

    /// The default options, with this transport.
    public static func options(serverGreeting: Int = 7) -> Connection.Options {
        var options = Connection.Options()
        options.transport = TransportFactory { role throws(TransportFailure) in ToyTransport(role, serverGreeting: serverGreeting)
        }
        return options
    }

    /// What the whole records among some bytes hold.
    public static func plaintext(of bytes: [UInt8]) -> [UInt8] {
        var plaintext: [UInt8] = []
        var position = 0
        while position + 2 <= bytes.count {
            let end = position + 2 + Int(bytes[position]) << 8 + Int(bytes[position + 1])
            if end > bytes.count { break }
            plaintext += bytes[(position + 2)..<end].map { $0 ^ key }
            position = end
        }
        return plaintext
    }

    public static func record(_ plaintext: some Collection<UInt8>) -> [UInt8] {
        [UInt8(plaintext.count >> 8), UInt8(plaintext.count & 0xFF)] + plaintext.map { $0 ^ key }
    }

    private func put(_ bytes: some Collection<UInt8>, _ wire: inout TransportWire) {
        unsafe wire.putOutput { room in
            for (index, byte) in bytes.enumerated() { unsafe room[index] = byte }
            return bytes.count
        }
    }

    private func takeAll(_ wire: inout TransportWire) {
        unsafe wire.takeInput { input in
            unsafe held += input
            return input.count
        }
    }

    public func establish(_ wire: inout TransportWire) throws(TransportFailure) -> Bool {
        // Only what is new is looked at: a long greeting comes in many reads.
        let known = held.count
        takeAll(&wire)
        let new = held.prefix(expected).dropFirst(known)
        if let wrong = new.first(where: { $0 != UInt8(ascii: "h") && $0 != UInt8(ascii: "w") }) {
            throw TransportFailure("a greeting with byte \(wrong)")
        }
        let count = min(unsent.count, wire.room)
        put(unsent.prefix(count), &wire)
        unsent = unsent.dropFirst(count)
        guard unsent.isEmpty, held.count >= expected else { return false }
        held.removeFirst(expected)
        return true
    }

    public func open(_ wire: inout TransportWire, into plaintext: UnsafeMutableRawBufferPointer) throws(TransportFailure) -> Int {
        takeAll(&wire)
        guard !hasEnded, held.count >= 2 else { return 0 }
        let length = Int(held[0]) << 8 | Int(held[1])
        if length > Self.recordSize { throw TransportFailure("a record of \(length) bytes") }
        hasEnded = length == 0
        guard held.count >= 2 + length, plaintext.count >= length else { return 0 }
        for index in 0..<length { unsafe plaintext[index] = held[2 + index] ^ Self.key }
        held.removeFirst(2 + length)
        return length
    }

    public func seal(_ bytes: UnsafeRawBufferPointer, _ wire: inout TransportWire) throws(TransportFailure) -> Int {
        let count = min(bytes.count, Self.recordSize, wire.room - 2)
        if count < 1 { return 0 }
        put(Self.record(unsafe Array(bytes.prefix(count))), &wire)
        return count
    }

    public func sealEnd(_ wire: inout TransportWire) { put([0, 0], &wire) }
}
