import Reactor
import SimulatedKernel

/// A transport that changes each byte by its place in the stream, and nothing else: as many bytes come and go as without it, so that the oracle's
/// counts hold, and a byte that is sent twice, left out or exchanged is another byte.
final class StreamCipher: Transport {
    /// How many bytes it seals at a time.
    private let recordSize: Int
    private let stream: () -> Int32
    private var (sealed, opened) = (0, 0)

    init(recordSize: Int, stream: @escaping () -> Int32) {
        self.recordSize = recordSize
        self.stream = stream
    }

    static func key(at position: Int) -> UInt8 { UInt8(truncatingIfNeeded: position &* 167 &+ position >> 8 &+ 0x5A) }

    /// Seals bytes, or opens them, that begin at a place in the stream.
    static func change(_ bytes: inout ArraySlice<UInt8>, from position: Int) {
        for (offset, index) in bytes.indices.enumerated() { bytes[index] ^= key(at: position + offset) }
    }

    func establish(_ wire: inout TransportWire) throws(TransportFailure) -> Bool { true }

    func open(_ wire: inout TransportWire, into plaintext: UnsafeMutableRawBufferPointer) throws(TransportFailure) -> Int {
        var count = 0
        unsafe wire.takeInput { input in
            count = min(input.count, plaintext.count)
            for index in 0..<count { unsafe plaintext[index] = input[index] ^ Self.key(at: opened + index) }
            return count
        }
        opened += count
        return count
    }

    func seal(_ bytes: UnsafeRawBufferPointer, _ wire: inout TransportWire) throws(TransportFailure) -> Int {
        if wire.outputCount > 0 { return 0 }
        let count = min(bytes.count, recordSize, wire.room)
        unsafe wire.putOutput { room in
            for index in 0..<count { unsafe room[index] = bytes[index] ^ Self.key(at: sealed + index) }
            return count
        }
        sealed += count
        return count
    }

    func sealEnd(_ wire: inout TransportWire) {}

    /// There is no byte for the end: that of the stream is believed.
    var hasEnded: Bool { world_was_read_to_end(stream()) }
}
