import CWslay
import Glibc

@testable import Reactor
@testable import ReactorWeb

/// Whatever a client sends after its handshake, the library makes the same messages of it as wslay does, answers the same pings, and ends
/// with the same code.
enum WebSocketTarget {
    /// How long a message may be.
    private static let limit = 200

    private struct Outcome: Equatable {
        /// Messages and control frames, by their opcode.
        var events: [Event] = []
        /// What the Close frame says with which the connection ends; -1 if it says nothing, and nil if it does not end.
        var closeCode: Int?

        struct Event: Equatable {
            let opcode: UInt8
            let payload: [UInt8]
        }
    }

    static func run(_ bytes: [UInt8]) {
        // wslay takes frames without a mask from clients, too; the library refuses them, and there is nothing to compare then.
        guard let own = ownOutcome(of: bytes) else { return }
        let other = otherOutcome(of: bytes)
        if own == other { return }
        // What is not whole yet may be seen to be wrong by the one before the other: wslay looks at a text as its bytes come and at a long
        // length at once, and the library at the two bytes of a header that say what is wrong.
        if (own.closeCode == nil) != (other.closeCode == nil), other.events == own.events { return }
        // It takes a Close frame of one byte for one that says nothing; RFC 6455 has a code there, or nothing at all.
        if own.closeCode == 1002, other.closeCode == -1, other.events == own.events { return }
        // Of a Close frame with a code that nobody may send, and a reason that is no UTF-8, each names another fault.
        if own.closeCode == 1002, other.closeCode == 1007, other.events == own.events { return }
        // A length whose first bit is set is none that a frame may have; to wslay it is one that is too big.
        if own.closeCode == 1002, other.closeCode == 1009, other.events == own.events { return }
        // And it knows no code that was registered after the RFC.
        if let code = own.closeCode, (1012...1014).contains(code), other.closeCode == 1002, other.events == own.events { return }
        fatalError("\(bytes) is \(own) and for wslay \(other)")
    }

    // MARK: - The library

    /// Nil if a frame has no mask.
    private static func ownOutcome(of bytes: [UInt8]) -> Outcome? {
        var outcome = Outcome()
        var reader = WebSocketReader(isServer: true, limit: limit)
        var rest = bytes[...]
        do throws(WebSocketReader.Failure) {
            while outcome.closeCode == nil {
                let taken = try take(Array(rest), &reader, &outcome)
                if taken == 0 { break }
                rest = rest.dropFirst(taken)
            }
        } catch {
            if error.description == "a frame without a mask" { return nil }
            outcome.closeCode = Int(error.code.rawValue)
        }
        return outcome
    }

    /// Takes one frame. Returns how long it is, or 0 if it is not whole.
    private static func take(
        _ bytes: [UInt8], _ reader: inout WebSocketReader, _ outcome: inout Outcome
    ) throws(WebSocketReader.Failure) -> Int {
        let extent = WebSocketFraming.server.messageExtent(in: bytes.span, seen: 0)
        switch WebSocketFrameHeader.parse(bytes.span) {
        case .incomplete:
            if extent != .unknown { fatalError("an incomplete header is \(extent)") }
            return 0
        case .malformed(let why):
            if extent != .length(2) { fatalError("a malformed header is \(extent)") }
            throw WebSocketReader.Failure(.protocolError, why)
        case .header(let header, let length):
            if extent != .length(length + header.payloadLength) { fatalError("a frame of \(header) is \(extent)") }
            try reader.check(header)
            guard bytes.count >= length + header.payloadLength else { return 0 }
            let masked = Array(bytes[length..<length + header.payloadLength])
            var payload = masked
            payload.withUnsafeMutableBufferPointer { target in
                if let base = target.baseAddress { exclusiveOr(masked.span, with: header.mask ?? 0, into: base) }
            }
            switch try reader.receive(header, payload.span) {
            case .part: break
            case .ping: outcome.events.append(.init(opcode: 9, payload: payload))
            case .pong: outcome.events.append(.init(opcode: 10, payload: payload))
            case .close(let code): outcome.closeCode = code.map { Int($0.rawValue) } ?? -1
            case .message(let kind, let isInParts):
                let message = isInParts ? reader.takeMessage() : payload
                outcome.events.append(.init(opcode: kind == .text ? 1 : 2, payload: message))
            }
            return length + header.payloadLength
        }
    }

    // MARK: - wslay

    private final class Other {
        var input: ArraySlice<UInt8>
        var outcome = Outcome()
        var output: [UInt8] = []

        init(_ bytes: [UInt8]) { input = bytes[...] }
    }

    private static func otherOutcome(of bytes: [UInt8]) -> Outcome {
        let other = Other(bytes)
        var callbacks = wslay_event_callbacks()
        callbacks.recv_callback = { context, buffer, length, _, user in
            let other = Unmanaged<Other>.fromOpaque(user!).takeUnretainedValue()
            let piece = other.input.prefix(length)
            if piece.isEmpty {
                wslay_event_set_error(context, Int32(WSLAY_ERR_WOULDBLOCK.rawValue))
                return -1
            }
            for (index, byte) in piece.enumerated() { buffer![index] = byte }
            other.input = other.input.dropFirst(piece.count)
            return piece.count
        }
        callbacks.send_callback = { _, data, length, _, user in
            let other = Unmanaged<Other>.fromOpaque(user!).takeUnretainedValue()
            other.output += UnsafeBufferPointer(start: data, count: length)
            return length
        }
        callbacks.on_msg_recv_callback = { _, argument, user in
            let other = Unmanaged<Other>.fromOpaque(user!).takeUnretainedValue()
            let message = argument!.pointee
            if message.opcode == 8 { return }
            let payload = Array(UnsafeBufferPointer(start: message.msg, count: message.msg_length))
            other.outcome.events.append(.init(opcode: message.opcode, payload: payload))
        }
        var context: wslay_event_context_ptr?
        let user = Unmanaged.passUnretained(other).toOpaque()
        guard wslay_event_context_server_init(&context, &callbacks, user) == 0 else { fatalError("wslay has no memory") }
        defer { wslay_event_context_free(context) }
        wslay_event_config_set_max_recv_msg_length(context, UInt64(limit))
        _ = wslay_event_recv(context)
        _ = wslay_event_send(context)
        if wslay_event_get_close_sent(context) != 0 {
            let code = Int(wslay_event_get_status_code_sent(context))
            // 1005 stands for a frame that says nothing.
            other.outcome.closeCode = code == 1005 || code == 0 ? -1 : code
        }
        return withExtendedLifetime(other) { other.outcome }
    }
}
