import Glibc
import ReactorTLS

@testable import Reactor

/// Two sides of TLS, and a wire between them that passes on what the input says: pieces, changed bits, any bytes in between, and what has come before.
///
/// Whatever comes, in the handshake or behind it, each side opens what the other has sealed, or the beginning of that; or it fails. OpenSSL takes
/// random numbers, so the same input is not quite the same run; but the lengths are, and so is what is done where.
final class TLSTarget {
    private static let ends = Result { try makeEnds() }

    /// What goes to one of the two.
    private struct Wire {
        let from: TLSEnd
        let to: TLSEnd
        var bytes: [UInt8] = []
        /// The beginning of what has gone over it, to come again.
        var passed: [UInt8] = []
        var said: [UInt8] = []
        var hasSaidEnd = false
    }

    private var wires: [Wire]

    static func run(_ input: FuzzInput) throws {
        var input = input
        let target = try TLSTarget()
        while !input.isEmpty { try target.act(&input) }
    }

    private init() throws {
        let (server, client) = try Self.ends.get()
        let pair = try TLSPair(server, client)
        wires = [Wire(from: pair.client, to: pair.server), Wire(from: pair.server, to: pair.client)]
        wires[0].bytes = pair.client.take([])
    }

    private func act(_ input: inout FuzzInput) throws {
        let code = input.byte()
        let index = Int(code >> 3 & 1)
        let count = wires[index].bytes.count
        switch code & 7 {
        case 0: pass(count, of: index)
        case 1: pass(min(count, 8 * input.number(below: 256)), of: index)
        case 2 where count > 0:
            let place = (Int(input.byte()) << 8 | Int(input.byte())) % count
            wires[index].bytes[place] ^= 1 << UInt8(input.number(below: 8))
        case 3: wires[index].bytes.insert(contentsOf: input.bytes(input.number(below: 64)), at: 0)
        case 4: wires[index].bytes.removeFirst(min(count, input.number(below: 256)))
        case 5: try say(input.number(below: 256) * 100, on: index)
        case 6: end(on: index)
        case 7: wires[index].bytes += wires[index].passed.prefix(8 * input.number(below: 256))
        default: break
        }
    }

    private func say(_ count: Int, on index: Int) throws {
        let end = wires[index].from
        guard end.isEstablished, end.failure == nil, !wires[index].hasSaidEnd else { return }
        let first = wires[index].said.count
        let words = (first..<first + count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        wires[index].said += words
        wires[index].bytes += try end.seal(words)
    }

    private func end(on index: Int) {
        let end = wires[index].from
        guard end.isEstablished, end.failure == nil, !wires[index].hasSaidEnd else { return }
        wires[index].hasSaidEnd = true
        wires[index].bytes += end.sealEnd()
    }

    private func pass(_ count: Int, of index: Int) {
        let end = wires[index].to
        let bytes = Array(wires[index].bytes.prefix(count))
        wires[index].bytes.removeFirst(bytes.count)
        if wires[index].passed.count < 2_048 { wires[index].passed += bytes.prefix(2_048) }
        // A connection calls no transport again that has failed.
        if end.failure != nil { return }
        wires[1 - index].bytes += end.take(bytes)
        guard wires[index].said.starts(with: end.plaintext) else { fatalError("opened what was not sealed") }
        if end.hasEnded {
            guard wires[index].hasSaidEnd, end.plaintext == wires[index].said else { fatalError("an end that nobody has said") }
        }
    }

    /// With a certificate that `fuzz` has made, and its key in the same file.
    private static func makeEnds() throws -> (TLSServer, TLSClient) {
        let file = unsafe getenv("FUZZ_IDENTITY").map { unsafe String(cString: $0) } ?? ""
        let identity = try TLSIdentity(certificateFile: file, keyFile: file)
        return (try TLSServer(identities: [identity]), try TLSClient(trust: .decided { _, _ in true }))
    }
}
