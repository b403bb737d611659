public import Reactor

/// Messages of the form `5:hello,`, as an embedder would frame them: see https://cr.yp.to/proto/netstrings.txt.
public struct Netstrings: Framing {
    public init() {}

    public func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent {
        var length = 0
        for index in 0..<min(bytes.count, 10) {
            switch bytes[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9") where index < 9 && (index != 1 || bytes[0] != UInt8(ascii: "0")):
                length = length * 10 + Int(bytes[index] - UInt8(ascii: "0"))
            case UInt8(ascii: ":") where index > 0:
                let end = index + 1 + length
                return end < bytes.count && bytes[end] != UInt8(ascii: ",") ? .malformed : .length(end + 1)
            default:
                return .malformed
            }
        }
        return .unknown
    }

    public func content(of message: Span<UInt8>) -> Range<Int> {
        let colon = message.indices.first { message[$0] == UInt8(ascii: ":") } ?? 0
        return colon + 1..<message.count - 1
    }
}
